import { describeProviderConformance } from "playpen/testing";
import { describe, it } from "vitest";
import { derivedProvider } from "./derived-provider.ts";

describe("all variables come by the standard input", () => {
  const traits = { environment: "stdin", stdin: "native", users: "launcher" } as const;
  describeProviderConformance({ describe, it }, { create: () => derivedProvider({ traits }) });
});

describe("standard input by a FIFO", () => {
  const traits = {
    environment: "native",
    stdin: "fifo",
    users: "launcher",
    fifoChunkBytes: 960_000,
  } as const;
  describeProviderConformance(
    { describe, it },
    {
      create: () => derivedProvider({ traits }),
      skip: { "files.download-large": "a command for every 64 KB takes a minute; uploading shows the same" },
    },
  );
});

describe("commands that only run to their end", () => {
  const traits = { environment: "native", stdin: "fifo", users: "none", fifoChunkBytes: 960_000 } as const;
  const create = () => derivedProvider({ traits, onlyRunsToEnd: true });
  describeProviderConformance({ describe, it }, { create });
});

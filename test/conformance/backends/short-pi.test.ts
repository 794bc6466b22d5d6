import { describe, it } from "vitest";
import { local } from "playpen/local";
import { describeBackendConformance } from "playpen/testing";
import { hostCliDirectory } from "../../image/paths.ts";
import { shortPi } from "./short-pi.ts";

describeBackendConformance(
  { describe, it },
  {
    backend: ({ url, apiKey }) => ({
      ...shortPi({ baseUrl: `${url}/v1`, model: "stand-in", command: `${hostCliDirectory()}/pi` }),
      env: { PI_KEY: apiKey },
    }),
    sandbox: () => local({ isolation: "none" }),
    knownFailures: { "tool.writes": "to tell which files a tool has changed takes more than is short" },
  },
);

import { apple } from "playpen/apple";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { appleProgram, startAppleStandIn, withOwnFolders } from "../../stand-ins/apple/index.ts";

let stop: () => Promise<void>;
beforeAll(async () => {
  stop = await startAppleStandIn();
});
afterAll(() => stop());

describe("apple, by a stand-in for its program", () => {
  describeProviderConformance(
    { describe, it },
    {
      create: () => withOwnFolders(apple({ program: appleProgram })),
      expose: { host: "127.0.0.1" },
    },
  );
});

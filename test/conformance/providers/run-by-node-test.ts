import { describe, it } from "node:test";
import { describeProviderConformance } from "playpen/testing";
import { folderSandbox } from "./folder-sandbox.ts";

// Not run by itself: describe-conformance.test.ts starts it under Node's own test runner.
describeProviderConformance(
  { describe, it },
  {
    create: () => {
      const provider = folderSandbox();
      // One provider that is right but for its name.
      return Object.assign(provider, { name: "Not A Name" });
    },
    skip: { "process.exit-code": "to see a reason" },
  },
);

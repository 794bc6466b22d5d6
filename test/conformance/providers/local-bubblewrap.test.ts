import { rm } from "node:fs/promises";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { local } from "playpen/local";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { describeWith } from "../../image/engines.ts";

describeWith(["bubblewrap"], "local, in namespaces", () => {
  const root = mkdtempSync(join(tmpdir(), "conformance-local-"));
  afterAll(() => rm(root, { recursive: true, force: true }));

  describeProviderConformance({ describe, it }, { create: () => local({ root }) });
});

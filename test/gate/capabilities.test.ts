import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { capabilitiesPage, capabilitiesPath } from "../../scripts/capabilities.ts";

it("the table of abilities is what the backends declare (npm run docs:capabilities)", async () => {
  expect(readFileSync(capabilitiesPath, "utf8")).toBe(await capabilitiesPage());
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { agents, capabilitiesPage, capabilitiesPath } from "../../scripts/capabilities.ts";
import { providers, providersPage, providersPath } from "../../scripts/provider-table.ts";
import { repositoryRoot } from "../../scripts/subpaths.ts";

it("the table of abilities is what the backends declare (npm run docs:capabilities)", async () => {
  expect(readFileSync(capabilitiesPath, "utf8")).toBe(await capabilitiesPage());
});

it("the table of providers is what they declare (npm run docs:capabilities)", async () => {
  expect(readFileSync(providersPath, "utf8")).toBe(await providersPage());
});

it("every provider has a page, and a suite that runs it", async () => {
  for (const { name } of await providers()) {
    expect(existsSync(`${repositoryRoot}docs/providers/${name}.md`), `page of ${name}`).toBe(true);
    const suites = readdirSync(`${repositoryRoot}test/conformance/providers`);
    expect(
      suites.some((file) => file.startsWith(name) && file.endsWith(".test.ts")),
      `suite of ${name}`,
    ).toBe(true);
  }
});

it("an agent whose CLI no suite runs says so, in the table and on its page", async () => {
  const table = readFileSync(capabilitiesPath, "utf8");
  for (const { name, of } of await agents()) {
    const isRun = existsSync(`${repositoryRoot}test/conformance/backends/${name}.test.ts`);
    const path = `${repositoryRoot}docs/backends/${name}.md`;
    const page = existsSync(path) ? readFileSync(path, "utf8") : "";
    for (const { unverified } of of) expect(unverified === undefined, name).toBe(isRun);
    expect(table.includes(`## ${name}(): not verified`), name).toBe(!isRun);
    expect(page.includes("**Not verified"), name).toBe(!isRun);
  }
});

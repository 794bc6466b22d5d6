import { readFileSync } from "node:fs";
import { providerRequirements } from "playpen/testing";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../../scripts/subpaths.ts";

const page = readFileSync(`${repositoryRoot}docs/writing-a-provider.md`, "utf8");
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
const source = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

describe("docs/writing-a-provider.md", () => {
  it("quotes the provider that passes the suite, and its test, word for word", () => {
    expect(blocks).toEqual([source("folder.test.ts"), source("folder-sandbox.ts")]);
  });

  it("keeps the provider below 150 lines", () => {
    expect(source("folder-sandbox.ts").trimEnd().split("\n").length).toBeLessThan(150);
  });

  it("names requirements that there are", () => {
    const ids = new Set(providerRequirements.map(({ id }) => id));
    const named = [...page.matchAll(/[`"]((?:provider|sandbox|process|files)\.[a-z-]+)[`"]/g)].map(
      ([, id]) => id ?? "",
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import { backendRequirements } from "playpen/testing";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../../scripts/subpaths.ts";

const page = readFileSync(`${repositoryRoot}docs/writing-a-backend.md`, "utf8");
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
const source = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

describe("docs/writing-a-backend.md", () => {
  it("quotes the backend that passes the suite, and its test, word for word", () => {
    expect(blocks).toEqual([source("short-pi.test.ts"), source("short-pi.ts")]);
  });

  it("keeps the backend below 150 lines", () => {
    expect(source("short-pi.ts").trimEnd().split("\n").length).toBeLessThan(150);
  });

  it("names requirements that there are", () => {
    const ids = new Set(backendRequirements.map(({ id }) => id));
    const named = [...page.matchAll(/`([a-z-]+\.[a-z-]+)`/g)].flatMap(([, id = ""]) =>
      /^(?:turn|playpen|agent)\.|\.(?:md|ts)$/.test(id) ? [] : [id],
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
  });
});

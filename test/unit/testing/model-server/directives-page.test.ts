import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../../../scripts/subpaths.ts";

const rowsOf = (file: string): readonly string[] =>
  [...readFileSync(`${repositoryRoot}${file}`, "utf8").matchAll(/^(?: \* )?\| +(`!.*) +\|$/gm)].map(
    ([, row = ""]) => row.replaceAll(/ +\| +/g, " | ").trim(),
  );

it("docs/testing.md has every directive that the docstring of readDirectives has, in its words", () => {
  const told = rowsOf("src/testing/model-server/directives.ts");
  expect(told.length).toBeGreaterThan(10);
  expect(rowsOf("docs/testing.md")).toEqual(told);
});

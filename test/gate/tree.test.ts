import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asObject, objectAt, readJsonFile } from "../../scripts/json-file.ts";
import { repositoryRoot } from "../../scripts/subpaths.ts";

const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: repositoryRoot, encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(repositoryRoot, file)));

// Written so that no pattern matches this file.
const forbidden: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["address in a lock file", /"[r]esolved": "(?!file:)/],
  ["host of a package registry", /https?:\/\/[\w.-]*(?:npmjs|yarnpkg|registry)[.-][\w.-]+/],
  ["path of one developer's machine", /(?<![\w.])\/(?:[w]ork\/|[U]sers\/\w|[o]pt\/(?:clis|helper))/],
  ["focused test", /\b(?:it|test|describe)\.[o]nly\(/],
  ["merge conflict", /^(?:[<]{7}|[>]{7}) /m],
];

describe("the files in version control", () => {
  it("are found", () => {
    expect(tracked).toContain("package-lock.json");
  });

  it.each(forbidden)("hold no %s", (_what, pattern) => {
    const matches = tracked.flatMap((file) => {
      const match = pattern.exec(readFileSync(join(repositoryRoot, file), "utf8"));
      return match === null ? [] : [`${file}: ${match[0]}`];
    });
    expect(matches).toEqual([]);
  });
});

describe.each(tracked.filter((file) => file.endsWith("package-lock.json")))("%s", (file) => {
  it("has the packages of every platform, without which npm ci fails", () => {
    const packages = objectAt(readJsonFile(join(repositoryRoot, file)), "packages");
    const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
    const missing = Object.entries(packages).flatMap(([path, entry]) => {
      const { optionalDependencies = {} } = asObject(entry, path);
      return Object.keys(asObject(optionalDependencies, path)).filter((name) => !names.has(name));
    });
    expect(missing).toEqual([]);
  });
});

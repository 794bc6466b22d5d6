import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readJsonFile } from "../../scripts/json-file.ts";
import { repositoryRoot, subpaths } from "../../scripts/subpaths.ts";
import tsupConfig from "../../tsup.config.ts";

const manifest = readJsonFile(join(repositoryRoot, "package.json"));
const expected = Object.fromEntries(
  subpaths().map(({ specifier, output }) => [
    specifier.replace(/^playpen/, "."),
    { types: `./dist/${output}.d.ts`, default: `./dist/${output}.js` },
  ]),
);

describe("the sub-paths", () => {
  it("are these", () => {
    expect(Object.keys(expected)).toEqual([
      ".",
      "./kit",
      "./testing",
      "./docker",
      "./podman",
      "./apple",
      "./local",
      "./ssh",
      "./fly",
      "./computesdk",
      "./cloudflare",
      "./cloudflare/bridge",
      "./e2b",
      "./daytona",
      "./sprites",
      "./kubernetes",
      "./modal",
      "./vercel",
      "./claude",
      "./codex",
      "./acp",
      "./amp",
      "./cursor",
      "./qwen",
      "./pi",
      "./opencode",
      "./copilot",
      "./droid",
      "./gemini",
    ]);
  });

  it("are the same in package.json, tsconfig.json and tsup.config.ts", () => {
    expect(manifest["exports"]).toEqual({ ...expected, "./package.json": "./package.json" });
    expect(tsupConfig).toHaveProperty(
      "entry",
      Object.fromEntries(subpaths().map(({ output, source }) => [output, source])),
    );
  });

  it.each(subpaths())("$specifier has its source, and is built", ({ source, output }) => {
    expect(existsSync(join(repositoryRoot, source))).toBe(true);
    expect(existsSync(join(repositoryRoot, `dist/${output}.js`)), "run npm run build").toBe(true);
    expect(existsSync(join(repositoryRoot, `dist/${output}.d.ts`))).toBe(true);
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJsonFile } from "../../scripts/json-file.ts";
import { repositoryRoot, subpaths } from "../../scripts/subpaths.ts";
import { packPackage, type PackedPackage } from "./packed.ts";

/** Raise it only for something that is worth its weight to every user. */
const unpackedBudgetBytes = 6_500_000;

let packed: PackedPackage;
beforeAll(async () => {
  packed = await packPackage();
});
afterAll(async () => {
  await packed[Symbol.asyncDispose]();
});

describe("the package as it is published", () => {
  it("holds the build, the documentation and the licence, and nothing else", () => {
    const expected =
      /^(?:LICENSE|README\.md|package\.json|docs\/(?:[\w-]+\/)*[\w-]+\.md|dist\/[\w-]+\.(?:js|js\.map|d\.ts))$/;
    expect(packed.files.filter((file) => !expected.test(file))).toEqual([]);
    const builds = subpaths().flatMap(({ output }) => [`dist/${output}.js`, `dist/${output}.d.ts`]);
    expect(packed.files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json", ...builds]));
  });

  it("stays within its budget", () => {
    expect(packed.unpackedBytes).toBeLessThan(unpackedBudgetBytes);
  });

  it("tells nothing about the machine it was built on", async () => {
    const contents = await Promise.all(
      packed.files.map(async (file) => ({ file, text: await readFile(join(repositoryRoot, file), "utf8") })),
    );
    expect(contents.filter(({ text }) => text.includes(repositoryRoot)).map(({ file }) => file)).toEqual([]);
  });

  it("passes publint", async () => {
    const tarball = await readFile(packed.tarball);
    const { messages } = await publint({ strict: true, pack: { tarball: new Uint8Array(tarball).buffer } });
    const manifest = readJsonFile(join(repositoryRoot, "package.json"));
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });

  it("passes attw for ES modules", async () => {
    await execa("attw", [packed.tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"], {
      cwd: repositoryRoot,
      preferLocal: true,
    });
  });
});

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { objectAt, readJsonFile } from "../../scripts/json-file.ts";
import { repositoryRoot } from "../../scripts/subpaths.ts";
import { importsOf, packageName, reachableFrom, sourceFiles, type Import } from "./source-files.ts";

const manifest = readJsonFile(join(repositoryRoot, "package.json"));
const runtimePackages = Object.keys(objectAt(manifest, "dependencies"));
const vendorPackages = Object.keys(objectAt(manifest, "peerDependencies"));
/** What adapters that are much alike have in common, and which they are. It has no sub-path of its own. */
const shared: { readonly [folder: string]: readonly string[] } = {
  "providers/container-engine": ["providers/docker", "providers/podman"],
  "providers/container-cli": ["providers/podman", "providers/apple"],
};
const adapters = ["providers", "backends"].flatMap((kind) =>
  readdirSync(join(repositoryRoot, kind)).map((name) => `${kind}/${name}`),
);
const sharedBy = (adapter: string): readonly string[] =>
  Object.keys(shared).filter((folder) => shared[folder]?.includes(adapter) === true);
const files = ["src", "providers", "backends", "examples"].flatMap(sourceFiles);

/** The imports that no rule allows, readable in a failure. */
function forbidden(importers: readonly string[], allowed: (item: Import) => boolean): readonly string[] {
  return importers
    .flatMap(importsOf)
    .filter((item) => !allowed(item))
    .map(({ from, specifier }) => `${from} imports ${specifier}`);
}

const isBuiltin = ({ specifier }: Import): boolean => specifier.startsWith("node:");
const isIn = (folder: string, { file }: Import): boolean => file?.startsWith(`${folder}/`) === true;
const isOf = (packages: readonly string[], { file, specifier }: Import): boolean =>
  file === undefined && packages.includes(packageName(specifier));

describe("what may import what", () => {
  it("finds files to check", () => {
    expect(adapters).toEqual(expect.arrayContaining(["providers/docker", "backends/claude"]));
    expect(sourceFiles("src").flatMap(importsOf).length).toBeGreaterThan(100);
  });

  it("src/spec imports only itself", () => {
    expect(forbidden(sourceFiles("src/spec"), (item) => isIn("src/spec", item))).toEqual([]);
  });

  it("src/ imports only itself, Node's modules and the package's dependencies", () => {
    const allowed = (item: Import): boolean =>
      isIn("src", item) || isBuiltin(item) || isOf(runtimePackages, item);
    expect(forbidden(sourceFiles("src"), allowed)).toEqual([]);
  });

  it("the core reaches neither an adapter nor what is for tests", () => {
    const reached = reachableFrom("src/index.ts");
    expect(reached).toContain("src/spec/sandbox.ts");
    expect(reached.filter((file) => !file.startsWith("src/") || file.startsWith("src/testing/"))).toEqual([]);
  });

  it.each(adapters)("%s imports only itself, the kit, Node's modules and packages", (adapter) => {
    const allowed = (item: Import): boolean =>
      isIn(adapter, item) ||
      sharedBy(adapter).some((folder) => isIn(folder, item)) ||
      item.file === "src/kit.ts" ||
      isBuiltin(item) ||
      isOf([...runtimePackages, ...vendorPackages], item);
    expect(forbidden(sourceFiles(adapter), allowed)).toEqual([]);
  });

  it("the examples import the package by its public names", () => {
    const allowed = (item: Import): boolean =>
      isIn("examples", item) || isBuiltin(item) || isOf(["playpen", ...runtimePackages], item);
    expect(forbidden(sourceFiles("examples"), allowed)).toEqual([]);
  });
});

describe("how files are written", () => {
  it("no file is longer than 400 lines", () => {
    const lines = (file: string): number =>
      readFileSync(join(repositoryRoot, file), "utf8").trimEnd().split("\n").length;
    expect(files.filter((file) => lines(file) > 400)).toEqual([]);
  });

  it("files and folders have names in kebab-case", () => {
    expect(files.filter((file) => !/^([a-z0-9-]+\/)+[a-z0-9-]+(\.test|\.d)?\.ts$/.test(file))).toEqual([]);
  });

  it("no files load each other in a circle", () => {
    // In a circle it depends on where one starts whether a class is there when the class that extends it is made.
    const inCircle = files.filter((file) => {
      const reached = new Set(loadedBy(file));
      for (const other of reached) for (const target of loadedBy(other)) reached.add(target);
      return reached.has(file);
    });
    expect(inCircle).toEqual([]);
  });
});

/** The files that an import statement loads; `import type` is erased. */
function loadedBy(file: string): readonly string[] {
  const text = readFileSync(join(repositoryRoot, file), "utf8");
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+"(\.[^"]+)"/gm);
  return [...statements]
    .map(([, specifier = ""]) => join(dirname(file), specifier))
    .filter((target) => files.includes(target));
}

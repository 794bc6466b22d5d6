import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const howToBuild = "run: npm run engines";

/** The benchmarks run from the repository's root, as npm scripts do. */
export const root = process.cwd();

/** A program that was built from bench/. */
export function builtProgram(name: string): string {
  return join(root, ".cache/bench", `${name}.js`);
}

/**
 * The folder that holds the agent CLIs for this machine.
 *
 * @throws Error that names the script to run, when they were not installed.
 */
export function cliDirectory(): string {
  const directory = join(root, ".cache/clis/node_modules/.bin");
  if (!existsSync(directory)) throw new Error(`The agent CLIs are not installed; ${howToBuild}`);
  return directory;
}

/**
 * The image with Node and without agent CLIs.
 *
 * @throws Error that names the script to run, when it was not built.
 */
export function bareImage(): string {
  return builtImage("bareImage");
}

/**
 * The image with Node and the agent CLIs.
 *
 * @throws Error that names the script to run, when it was not built.
 */
export function testImage(): string {
  return builtImage("testImage");
}

function builtImage(key: "bareImage" | "testImage"): string {
  const file = join(root, ".cache/test-image.json");
  if (!existsSync(file)) throw new Error(`The test image is not built; ${howToBuild}`);
  const images: unknown = JSON.parse(readFileSync(file, "utf8"));
  const name: unknown = typeof images === "object" && images !== null ? Reflect.get(images, key) : undefined;
  if (typeof name === "string") return name;
  throw new Error(`${file} is damaged; ${howToBuild}`);
}

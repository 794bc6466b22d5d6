import { existsSync } from "node:fs";
import { readJsonFile } from "../../scripts/json-file.ts";
import { repositoryRoot } from "../../scripts/subpaths.ts";

const cache = `${repositoryRoot}.cache/`;
const howToBuild = "run scripts/setup-engines.sh and scripts/build-test-image.sh (both: npm run engines)";

/**
 * Names the Docker image with Node, git and the agent CLIs, whose user is `agent` in `/workspace`.
 *
 * @throws Error that names the script to run, when the image was not built.
 */
export function testImage(): string {
  return builtImage("testImage");
}

/**
 * Names the Docker image that is like {@link testImage} but has no agent CLI, only Node and npm.
 *
 * @throws Error that names the script to run, when the image was not built.
 */
export function bareImage(): string {
  return builtImage("bareImage");
}

/**
 * Returns the directory on this machine that holds `claude`, `codex` and the other CLIs, to be put on a PATH.
 *
 * @throws Error that names the script to run, when they were not installed.
 */
export function hostCliDirectory(): string {
  const directory = `${cache}clis/node_modules/.bin`;
  if (!existsSync(`${cache}clis/.hash`)) throw new Error(`The agent CLIs are not installed: ${howToBuild}`);
  return directory;
}

function builtImage(key: "testImage" | "bareImage"): string {
  const file = `${cache}test-image.json`;
  if (!existsSync(file)) throw new Error(`The test image is not built: ${howToBuild}`);
  const name = readJsonFile(file)[key];
  if (typeof name !== "string") throw new Error(`${file} is damaged: ${howToBuild}`);
  return name;
}

/** Returns the folder of {@link hostCliDirectory} with all it links to, for a sandbox that does not see the repository. */
export function hostCliFolder(): string {
  hostCliDirectory();
  return `${cache}clis`;
}

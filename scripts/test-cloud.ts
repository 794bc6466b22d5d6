/**
 * Runs the provider suite against a real service: `npm run test:cloud -- e2b`. The credentials are the ones that the
 * provider itself reads from the environment. It creates real sandboxes, which cost money; a guard bounds how many.
 */
import { spawnSync } from "node:child_process";
import { clouds } from "../test/cloud/clouds.ts";
import { repositoryRoot } from "./subpaths.ts";

const [name = "", ...rest] = process.argv.slice(2);
const cloud = Object.hasOwn(clouds, name) ? clouds[name] : undefined;
if (cloud === undefined) {
  console.error(`usage: npm run test:cloud -- <${Object.keys(clouds).join(" | ")}> [vitest options]`);
  process.exit(2);
}
const missing = cloud.variables.filter((variable) => (process.env[variable] ?? "") === "");
if (missing.length > 0) {
  console.error(
    `test:cloud: ${name} needs ${missing.join(" and ")} in the environment; nothing was created.`,
  );
  process.exit(2);
}
const vitest = ["vitest", "run", "--project", "cloud", ...rest];
const { status } = spawnSync("npx", vitest, {
  cwd: repositoryRoot,
  env: { ...process.env, PLAYPEN_CLOUD: name },
  stdio: "inherit",
});
process.exit(status ?? 1);

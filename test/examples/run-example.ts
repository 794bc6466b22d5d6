import { execa } from "execa";
import { repositoryRoot } from "../../scripts/subpaths.ts";

/** Runs an example as the README says, without any key, and returns what it printed to a pipe. */
export async function runExample(name: string, path?: string): Promise<string> {
  const { stdout } = await execa("npx", ["tsx", `examples/${name}/main.ts`], {
    cwd: repositoryRoot,
    env: {
      ANTHROPIC_API_KEY: "",
      OPENAI_API_KEY: "",
      CODEX_API_KEY: "",
      ...(path === undefined ? {} : { PATH: `${path}:${process.env["PATH"] ?? ""}` }),
    },
    timeout: 150_000,
  });
  return stdout;
}

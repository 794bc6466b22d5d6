import type { AgentBackend, SandboxProvider } from "playpen";
import { claude } from "playpen/claude";
import { docker } from "playpen/docker";
import { local } from "playpen/local";

/** What a test tells its host program. */
export const parameters = JSON.parse(process.argv[2] ?? "{}") as { readonly [name: string]: string };

/** Tells the test how far the program has come. */
export function tell(step: string, facts: { readonly [name: string]: string } = {}): void {
  process.stdout.write(`${JSON.stringify({ step, ...facts })}\n`);
}

export function providerOf(place: string): SandboxProvider {
  if (place === "docker") return docker({ image: parameters["image"] ?? "", network: "host" });
  if (place === "none") return local({ isolation: "none" });
  return local({ readOnlyPaths: [parameters["cliFolder"] ?? ""] });
}

export function agent(): AgentBackend {
  const { command } = parameters;
  return claude({
    baseUrl: parameters["modelUrl"] ?? "",
    env: { ANTHROPIC_API_KEY: "test-key-of-the-host-program", CLAUDE_CODE_MAX_RETRIES: "1" },
    ...(command === undefined ? {} : { command }),
  });
}

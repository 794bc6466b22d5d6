import { describeError } from "../provider-conformance/expectations.ts";
import type { AgentBackend } from "../../spec/backend.ts";
import type { SandboxProvider } from "../../spec/sandbox.ts";
import { directiveScenario, startModelServer } from "../model-server/index.ts";
import { RequirementContext } from "./context.ts";
import type { BackendRequirement } from "./requirement.ts";

/** What leads a backend's CLI to the model server of a requirement. */
export interface BackendConnection {
  /** Address of the model server, without a path: some APIs want `/v1` behind it. */
  readonly url: string;
  /** The key to give to the CLI, in the way that a user would. */
  readonly apiKey: string;
}

/** The backend that a requirement is run against, and where. */
export interface RunBackendRequirementOptions {
  /** Makes the backend under test, anew for each requirement. */
  readonly backend: (connection: BackendConnection) => AgentBackend;
  /**
   * Makes the provider of the sandboxes in which the CLI runs. They must reach this machine's loopback interface, and
   * have Linux with `/bin/sh` and `/proc`, and Node for the MCP server of a requirement.
   */
  readonly sandbox: () => SandboxProvider;
  /** A model for the change of models, as the CLI wants it named; default `other-model`. */
  readonly otherModel?: string;
  /** How long one step of a requirement may take; default 30 seconds. Raise it for a CLI that retries for long. */
  readonly patienceMs?: number;
}

/** Not a real key, but long enough to be found wherever it shows. */
const apiKey = "sk-conformance-5f0c2b7e9d1a4c3b8e6f";
const defaultPatienceMs = 30_000;

/**
 * Runs one requirement against a backend and its real CLI, without any test framework. What it started has ended when
 * it settles.
 *
 * @throws Error that names the requirement, what was expected and what was seen.
 * @example
 * ```ts
 * for (const requirement of backendRequirements)
 *   await runBackendRequirement(requirement, { backend: ({ url, apiKey }) => mine({ url, apiKey }), sandbox: docker });
 * ```
 */
export async function runBackendRequirement(
  requirement: BackendRequirement,
  options: RunBackendRequirementOptions,
): Promise<void> {
  let scenario = directiveScenario;
  const server = await startModelServer({ scenario: (request) => scenario(request) });
  const context = new RequirementContext({
    server,
    apiKey,
    otherModel: options.otherModel ?? "other-model",
    follow: (next) => {
      scenario = next;
    },
    backend: options.backend({ url: server.url, apiKey }),
    sandbox: options.sandbox,
    patienceMs: options.patienceMs ?? defaultPatienceMs,
  });
  let failure: Error | undefined;
  const fail = (error: unknown): Error => {
    const why = error instanceof Error && error.name === "Error" ? error.message : describeError(error);
    return new Error(`${requirement.id}: ${why}`, { cause: error });
  };
  try {
    await requirement.run(context);
  } catch (error) {
    failure = fail(error);
  }
  try {
    await context.destroy();
  } catch (error) {
    // What went wrong first says more.
    failure ??= fail(error);
  }
  await server.close();
  if (failure !== undefined) throw failure;
}

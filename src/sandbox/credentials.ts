import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { isSecretName, type Redactor } from "../errors/redactor.ts";
import type { AgentBackend, McpServers } from "../spec/backend.ts";
import type { Environment } from "../spec/sandbox.ts";

/**
 * The environment of an agent's process: box, session and backend in this order, the later winning, and from the
 * host's own environment only the variables which the backend declares.
 *
 * @throws SandboxAgentError `credential_missing`, which names the variables.
 */
export function agentEnvironment(
  backend: AgentBackend,
  layers: readonly Environment[],
  host: NodeJS.ProcessEnv,
  redactor: Redactor,
): Environment {
  const env: Record<string, string> = Object.assign({}, ...layers, backend.env) as Record<string, string>;
  for (const name of backend.credentials.forwarded) {
    const value = host[name];
    if (env[name] === undefined && value !== undefined && value !== "") env[name] = value;
  }
  requireCredential(backend, env);
  addSecrets(env, redactor, backend.credentials.secret);
  return env;
}

/** Has the values of variables that are likely to be secrets removed from all output. */
export function addSecrets(env: Environment, redactor: Redactor, names: readonly string[] = []): void {
  for (const [name, value] of Object.entries(env)) {
    if (names.includes(name) || isSecretName(name)) redactor.add(value);
  }
}

/** As `addSecrets`, for what MCP servers are given; header values also without their scheme (`Bearer …`). */
export function addMcpSecrets(servers: McpServers, redactor: Redactor): void {
  for (const server of Object.values(servers)) {
    if (server.type === "stdio") addSecrets(server.env ?? {}, redactor);
    else {
      addSecrets(server.headers ?? {}, redactor);
      for (const [name, value] of Object.entries(server.headers ?? {})) {
        if (isSecretName(name)) redactor.add(value.replace(/^\S+\s+/, ""));
      }
    }
  }
}

function requireCredential(backend: AgentBackend, env: Environment): void {
  const { anyOf } = backend.credentials;
  if (anyOf.length === 0 || anyOf.some((set) => set.every((name) => (env[name] ?? "") !== ""))) return;
  const choices = anyOf.map((set) => set.join(" and "));
  const last = choices.pop() ?? "";
  const list = choices.length === 0 ? last : `${choices.join(", ")} or ${last}`;
  throw new SandboxAgentError("credential_missing", `${backend.name} needs a credential: ${list}.`, {
    details: { agent: backend.name, variables: [...new Set(anyOf.flat())] },
  });
}

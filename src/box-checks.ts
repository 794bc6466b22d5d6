import type { ConnectOptions, StartOptions } from "./agent-options.ts";
import { Redactor } from "./errors/redactor.ts";
import { addSecrets, agentEnvironment } from "./sandbox/credentials.ts";
import { planPolicy, refuseUnknownModel } from "./session-plan.ts";
import type { Environment, SandboxProvider } from "./spec/sandbox.ts";

/** What can be found wrong with a box's defaults before there is a box. */
export function checkBox(options: StartOptions | ConnectOptions, env: Environment): Redactor {
  const redactor = new Redactor();
  addSecrets(env, redactor);
  const { agent, sandbox } = options;
  if (agent !== undefined || options.permissions !== undefined) planPolicy(sandbox, options, {}, agent);
  if (agent !== undefined) {
    refuseUnknownModel(agent, agent.model, agentEnvironment(agent, [env], process.env, redactor));
  }
  return redactor;
}

/** @throws TypeError when the id is another provider's. */
export function nativeId(provider: SandboxProvider, id: string): string {
  const slash = id.indexOf("/");
  if (slash === -1) return id;
  const prefix = id.slice(0, slash);
  if (prefix === provider.name) return id.slice(slash + 1);
  throw new TypeError(
    `SandboxAgent.connect(): the id ${JSON.stringify(id)} belongs to provider "${prefix}", received the provider "${provider.name}".`,
  );
}

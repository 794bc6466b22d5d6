import type { Redactor } from "../errors/redactor.ts";
import { addSecrets } from "../sandbox/credentials.ts";
import type {
  AgentBackend,
  AgentSessionInput,
  LaunchInput,
  NativeSession,
  TurnInput,
} from "../spec/backend.ts";
import type { Environment, Sandbox, SandboxProcess } from "../spec/sandbox.ts";

export interface SpawnAgentParts {
  readonly backend: AgentBackend;
  readonly sandbox: Sandbox;
  readonly input: AgentSessionInput;
  readonly executable: string;
  readonly env: Environment;
  readonly redactor: Redactor;
}

export interface SpawnAgentRequest {
  readonly model: string | undefined;
  readonly resume: NativeSession | undefined;
  /** In mode `"turn"`: the turn the process is for. */
  readonly turn: TurnInput | undefined;
  readonly signal: AbortSignal;
}

/** Starts one process of an agent's CLI, with the files it needs. */
export async function spawnAgent(
  parts: SpawnAgentParts,
  request: SpawnAgentRequest,
): Promise<SandboxProcess> {
  const { backend, sandbox, input, executable, env, redactor } = parts;
  const { model, resume, turn, signal } = request;
  signal.throwIfAborted();
  const launchInput: LaunchInput = {
    ...input,
    executable,
    env,
    ...(model === undefined ? {} : { model }),
    ...(resume === undefined ? {} : { resume }),
    ...(backend.mode === "turn" && turn !== undefined ? { turn } : {}),
  };
  const launch = backend.launch(launchInput);
  addSecrets(launch.env, redactor, backend.credentials.secret);
  for (const file of launch.files) {
    await sandbox.files.write(file.path, file.content, { mode: file.mode ?? 0o600, signal });
  }
  const command = {
    argv: launch.argv,
    cwd: input.cwd,
    env: { ...env, ...launch.env },
    stdin: "pipe",
  } as const;
  return sandbox.spawn(command, { signal });
}

import {
  type CanExpose,
  type CanOpenTerminal,
  type Command,
  type Environment,
  type ExposedPort,
  type FileOptions,
  type Labels,
  RemoteSandbox,
  SandboxAgentError,
  type Terminal,
  type TerminalOptions,
  abortable,
  renewedExpiry,
  undoneWhenAborted,
} from "../../src/kit.ts";
import type { Anchor } from "./anchor.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { answerFailure, providerName } from "./failures.ts";
import { PortForwards } from "./port-forwards.ts";
import { runOnMachine, startOnMachine } from "./run-on-machine.ts";
import {
  destroyCommand,
  inspectCommand,
  renewCommand,
  sandboxMarkerName,
  stateCommand,
  stillHeldCode,
} from "./scripts.ts";
import { parseInspection, writeState } from "./state.ts";
import { openTerminal } from "./terminal.ts";

export interface SshSandboxParts {
  readonly pool: ConnectionPool;
  readonly id: string;
  readonly root: string;
  readonly folder: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly createdAt: number;
  readonly env: Environment;
  readonly isRoot: boolean;
  /** Of the host process that made it, unless it has let go. */
  readonly anchor: Anchor | undefined;
}

/** A folder of a machine that is reached by SSH, and the processes that were started for it. */
export class SshSandbox extends RemoteSandbox implements CanExpose, CanOpenTerminal {
  readonly #parts: SshSandboxParts;
  readonly #forwards: PortForwards;

  constructor(parts: SshSandboxParts) {
    const { pool, id, folder, cwd, labels, env, isRoot } = parts;
    const forwards = new PortForwards(pool);
    const letGo = (): void => {
      forwards.close();
      pool.end();
    };
    super({
      provider: providerName,
      id,
      cwd,
      labels,
      env: { ...env, [sandboxMarkerName]: id },
      traits: { environment: "stdin", stdin: "native", users: isRoot ? "launcher" : "none" },
      start: (command) => startOnMachine(pool, command),
      destroy: async () => {
        try {
          const { code, stderr } = await runOnMachine(pool, destroyCommand(folder));
          if (code !== 0) throw answerFailure("destroy a sandbox", stderr.trim());
        } finally {
          letGo();
        }
      },
      detach: async (ttlMs) => {
        await detach(parts, ttlMs);
        letGo();
      },
      isAlive: async () => {
        const { stdout } = await runOnMachine(pool, inspectCommand(parts.root, id));
        return parseInspection(stdout).some((each) => each.id === id);
      },
    });
    this.#parts = parts;
    this.#forwards = forwards;
  }

  override spawn(command: Command, options: { readonly signal?: AbortSignal } = {}) {
    // Another user cannot get at the home folder of this one.
    if (command.user !== undefined) return super.spawn(command, options);
    return super.spawn({ ...command, env: { ...this.#ownFolders(), ...command.env } }, options);
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    return abortable(this.#forwards.open(port), options.signal);
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    this.assertOpen();
    const { pool, folder, cwd, env, id } = this.#parts;
    const place = {
      pool,
      folder,
      cwd,
      env: { ...this.#ownFolders(), ...env, [sandboxMarkerName]: id },
      run: (argv: readonly [string, ...string[]], input: string) => runOnMachine(pool, argv, input),
    };
    options.signal?.throwIfAborted();
    return undoneWhenAborted(openTerminal(place, options), options.signal, (unwanted) => unwanted.kill());
  }

  /** Closes the connections of a handle that was never handed out; the sandbox goes on. */
  letGo(): void {
    this.#forwards.close();
    this.#parts.pool.end();
  }

  /** Those of the sandbox, but for what the environment itself says. */
  #ownFolders(): Environment {
    const { folder, env } = this.#parts;
    return { HOME: env["HOME"] ?? `${folder}/home`, TMPDIR: env["TMPDIR"] ?? `${folder}/tmp` };
  }
}

async function detach(parts: SshSandboxParts, ttlMs: number): Promise<void> {
  const { pool, folder, anchor, id } = parts;
  if (anchor !== undefined) {
    await renewLabel(parts, ttlMs);
    await anchor.detach(ttlMs);
    return;
  }
  const { code, stderr } = await runOnMachine(pool, renewCommand(folder, Math.ceil(ttlMs / 1000)));
  if (code === stillHeldCode) {
    throw new SandboxAgentError("unsupported", `Sandbox ${id} is held by the host process that made it.`, {
      details: { subject: providerName, feature: "detach of another host's sandbox" },
      remedy: "Detach it in the process that made it; this handle can be dropped as it is.",
    });
  }
  if (code !== 0) throw answerFailure("detach a sandbox", stderr.trim());
  await renewLabel(parts, ttlMs);
}

async function renewLabel(
  { pool, folder, labels, createdAt }: SshSandboxParts,
  ttlMs: number,
): Promise<void> {
  const state = writeState({ labels: renewedExpiry(labels, ttlMs), createdAt });
  const { code, stderr } = await runOnMachine(pool, stateCommand(folder, state));
  if (code !== 0) throw answerFailure("detach a sandbox", stderr.trim());
}

import {
  type Availability,
  type CreateOptions,
  type JsonObject,
  type Labels,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  hasLabels,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { Anchor } from "./anchor.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { answerFailure, connectionFailure, providerName } from "./failures.ts";
import type { SshSettings } from "./options.ts";
import { runOnMachine } from "./run-on-machine.ts";
import { SshSandbox } from "./sandbox.ts";
import { inspectCommand, makeFolderCommand } from "./scripts.ts";
import { type InspectedSandbox, isSandboxId, newSandboxId, parseInspection } from "./state.ts";

const answerTimeoutMs = 60_000;

/** What a sandbox needs of the machine. */
const checkCommand = [
  "/bin/sh",
  "-c",
  'for tool in cat chmod find grep head mkdir mv rm setsid stat tar wc; do command -v "$tool" >/dev/null || echo "$tool"; done; [ -r "/proc/$$/stat" ] || echo /proc',
] as const;

export class SshProvider implements SandboxProvider<SshSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities;
  readonly #settings: SshSettings;

  constructor(settings: SshSettings) {
    this.#settings = settings;
    this.capabilities = {
      stdin: "native",
      signals: "emulated",
      users: this.#isRoot ? "emulated" : "none",
      files: "emulated",
      detach: "native",
      renewsExpiry: true,
      diesWithHost: "native",
      backpressure: "native",
      isolation: "none",
      abilities: ["expose", "terminal"],
    };
  }

  async check(): Promise<Availability> {
    try {
      const missing = await this.#once(async (pool) =>
        (await runOnMachine(pool, checkCommand)).stdout.trim(),
      );
      if (missing === "") return { available: true };
      const names = missing.split("\n").join(", ");
      return {
        available: false,
        reason: `${this.#settings.host} lacks ${names}.`,
        remedy: "Install them there; the machine must run Linux.",
      };
    } catch (error) {
      const { reason, remedy } = connectionFailure(this.#settings.host, error);
      return { available: false, reason, remedy };
    }
  }

  async create(spec: SandboxSpec, { signal, onProgress }: CreateOptions = {}): Promise<SshSandbox> {
    signal?.throwIfAborted();
    onProgress?.({ phase: "create", message: `Creating a sandbox on ${this.#settings.host}.` });
    return undoneWhenAborted(this.#create(spec), signal, (unwanted) => unwanted.destroy());
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    { signal }: CreateOptions = {},
  ): Promise<SshSandbox> {
    if (!isSandboxId(id)) throw notFound(id);
    return undoneWhenAborted(this.#connect(id, spec), signal, async (unwanted) => {
      unwanted.letGo();
    });
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const found = await this.#once((pool) => this.#inspect(pool));
    for (const { id, labels, createdAt } of found) {
      if (hasLabels(labels, filter.labels)) {
        yield { id, labels, createdAt, running: true };
      }
    }
  }

  describe(): JsonObject {
    const { host, port, username, root } = this.#settings;
    return { host, port, username, root: root ?? "~/.playpen" };
  }

  get #isRoot(): boolean {
    return this.#settings.username === "root";
  }

  async #create(spec: SandboxSpec): Promise<SshSandbox> {
    const { root = "", env, labels: own, cwd: usualCwd = "" } = this.#settings;
    const cwd = checked(spec.cwd ?? usualCwd);
    const id = newSandboxId();
    const labels = { ...own, ...spec.labels };
    const createdAt = Date.now();
    const pool = new ConnectionPool(this.#settings);
    try {
      const facts = { id, labels, createdAt };
      const anchor = await Anchor.start(pool, { root, cwd, ...facts }, answerTimeoutMs);
      return this.#sandbox({ pool, ...facts, env: { ...env, ...spec.env }, anchor, ...placeOf(anchor) });
    } catch (error) {
      pool.end();
      throw error;
    }
  }

  async #connect(id: string, spec: Pick<SandboxSpec, "env" | "cwd">): Promise<SshSandbox> {
    const pool = new ConnectionPool(this.#settings);
    try {
      const [found] = await this.#inspect(pool, id);
      if (found === undefined) throw notFound(id);
      const cwd = checked(spec.cwd ?? found.cwd);
      if (spec.cwd !== undefined) {
        const { code, stderr } = await runOnMachine(pool, makeFolderCommand(cwd));
        if (code !== 0) throw answerFailure(`make the folder ${cwd}`, stderr.trim());
      }
      const env = { ...this.#settings.env, ...spec.env };
      return this.#sandbox({ pool, ...found, cwd, env, anchor: undefined });
    } catch (error) {
      pool.end();
      throw error;
    }
  }

  #sandbox(parts: Omit<ConstructorParameters<typeof SshSandbox>[0], "root" | "isRoot">): SshSandbox {
    return new SshSandbox({ ...parts, root: this.#settings.root ?? "", isRoot: this.#isRoot });
  }

  async #inspect(pool: ConnectionPool, id?: string): Promise<readonly InspectedSandbox[]> {
    const { code, stdout, stderr } = await runOnMachine(pool, inspectCommand(this.#settings.root ?? "", id));
    if (code !== 0) throw answerFailure("list its sandboxes", stderr.trim());
    return parseInspection(stdout);
  }

  async #once<Value>(use: (pool: ConnectionPool) => Promise<Value>): Promise<Value> {
    const pool = new ConnectionPool(this.#settings);
    try {
      return await use(pool);
    } finally {
      pool.end();
    }
  }
}

function placeOf({ folder, cwd }: Anchor): { readonly folder: string; readonly cwd: string } {
  return { folder, cwd };
}

/** The machine's scripts read it as one line. */
function checked(cwd: string): string {
  if (/[\n\r\0]/.test(cwd)) throw new TypeError("ssh(): a working directory must not hold a line break.");
  return cwd;
}

function notFound(id: string): SandboxAgentError {
  return new SandboxAgentError(
    "sandbox_not_found",
    `There is no sandbox ${id} on the machine, or it has ended.`,
    {
      details: { id },
    },
  );
}

import { randomUUID } from "node:crypto";
import {
  type Environment,
  type Labels,
  type RemoteCommand,
  type RemoteConnection,
  type RemoteMachine,
  type RemoteTraits,
  SandboxAgentError,
  type ShortRun,
  type ShortRuns,
  renewedExpiry,
  shellLine,
  stage,
  startPolledProcess,
} from "../../src/kit.ts";
import {
  type DaytonaHandle,
  type DaytonaService,
  failureOf,
  minutesOf,
  providerName,
  statusOf,
} from "./daytona-service.ts";

/** An argument may hold 128 KiB less one byte; what is longer is carried by a file. */
const longestText = 120_000;
/** What one write to a process takes to the sandbox, by an upload. */
const fifoChunkBytes = 2 * 2 ** 20;
/** What one answer may bring of a process's output. */
const maxAnswerBytes = 2 * 2 ** 20;
/** A file is written by one upload, up to this size. */
const maxInputBytes = 64 * 2 ** 20;
/** No short command takes so long; the daemon ends it then. */
const longestRunSeconds = 120;

export interface DaytonaMachineInit {
  readonly service: DaytonaService;
  readonly handle: DaytonaHandle;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
}

/** One sandbox of Daytona, as the kit makes the rest of it. Its commands run to their end; see decision 0013. */
export class DaytonaMachine implements RemoteMachine {
  readonly provider = providerName;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly traits: RemoteTraits = { environment: "native", stdin: "fifo", users: "none", fifoChunkBytes };
  readonly shortRuns: ShortRuns;
  readonly keepAlive: { readonly everyMs: number; renew(): Promise<void> };
  readonly handle: DaytonaHandle;
  readonly service: DaytonaService;

  constructor({ service, handle, cwd, labels, env }: DaytonaMachineInit) {
    this.service = service;
    this.handle = handle;
    this.id = handle.id;
    this.cwd = cwd;
    this.labels = labels;
    this.env = env;
    this.shortRuns = {
      run: (command) => this.run(command),
      withInput: (command, input) => this.#runWithInput(command, input),
      ...{ maxAnswerBytes, maxInputBytes },
    };
    this.keepAlive = {
      everyMs: Math.max(1000, Math.floor(service.settings.timeoutMs / 4)),
      renew: () => handle.refreshActivity(),
    };
  }

  start(command: RemoteCommand): Promise<RemoteConnection> {
    return startPolledProcess(command, {
      run: (inner) => this.run(inner),
      processId: randomUUID(),
      maxAnswerBytes,
    });
  }

  async run({ argv, env }: RemoteCommand): Promise<ShortRun> {
    try {
      const { process } = this.handle;
      const script = scriptOf(argv);
      let text = commandText(script);
      if (text.length > longestText) {
        const path = await this.#upload(Buffer.from(script));
        text = `/bin/sh -c 'script=$(cat ${path}); rm -f ${path}; eval "$script"'`;
      }
      const { exitCode, result } = await process.executeCommand(text, "/", { ...env }, longestRunSeconds);
      return parted(exitCode, result);
    } catch (error) {
      throw await this.#refusal(error);
    }
  }

  /** The daemon takes no input with a command, but files. */
  async #runWithInput({ argv, ...command }: RemoteCommand, input: Uint8Array): Promise<ShortRun> {
    let path: string;
    try {
      path = await this.#upload(Buffer.from(input.buffer, input.byteOffset, input.length));
    } catch (error) {
      throw await this.#refusal(error);
    }
    return this.run({ ...command, argv: stage("input", inputScript, path, ...argv) });
  }

  async #upload(bytes: Buffer): Promise<string> {
    const path = `${carriedFolder}/${randomUUID()}`;
    await this.handle.fs.uploadFile(bytes, path);
    return path;
  }

  async destroy(): Promise<void> {
    try {
      await this.handle.delete();
    } catch (error) {
      if (statusOf(error) === 404) return;
      throw failureOf({ action: "remove a sandbox", id: this.id }, error);
    }
  }

  async detach(ttlMs: number): Promise<void> {
    await this.service.call({ action: "let go of a sandbox", id: this.id }, async () => {
      await this.handle.setLabels({ ...renewedExpiry(this.labels, ttlMs) });
      // In this order, so that it never is without an end.
      await this.handle.setTtl(minutesOf(ttlMs));
      await this.handle.setAutostopInterval(0);
    });
  }

  async isAlive(): Promise<boolean> {
    try {
      await this.handle.refreshData();
      return this.handle.state !== "destroyed" && this.handle.state !== "destroying";
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }

  /** What concerns the account, rather than one command, keeps its own code. */
  async #refusal(error: unknown): Promise<unknown> {
    const status = statusOf(error);
    if (status === 401 || status === 403 || status === 429) {
      return failureOf({ action: "run a command", id: this.id }, error);
    }
    if (status !== 404 || (await this.isAlive().catch(() => true))) return error;
    return new SandboxAgentError("sandbox_lost", `The sandbox ${providerName}/${this.id} is gone.`, {
      details: { id: this.id },
      cause: error,
    });
  }
}

/**
 * Some versions of the vendor's daemon give the text to a shell, others cut it into words by rules of their own, without
 * escapes. This text means the same to both: one pair of single quotes, and nothing in it that either would change.
 */
export function commandText(script: string): string {
  const encoded = Buffer.from(script).toString("base64");
  return `/bin/sh -c 'eval "$(printf %s ${encoded} | base64 -d)"'`;
}

/** For the sandbox's user alone; made with the working directory. */
export const carriedFolder = "/tmp/.playpen-carried";

const inputScript = `
playpen_carried=$1
shift
"$@" < "$playpen_carried"
playpen_code=$?
rm -f "$playpen_carried"
exit "$playpen_code"
`;

/** Runs a command and tells its standard error apart. */
export function scriptOf(argv: readonly string[]): string {
  return `exec 3>&1\nsaid=$( { ${shellLine(argv)}\n} 2>&1 >&3 3>&- )\n${tellScript}`;
}

const mark = "playpen-said";
// The daemon mixes both outputs; what went wrong stands behind the mark.
const tellScript = `code=$?
[ "$code" = 0 ] || printf '\\n${mark}\\n%s' "$said"
exit "$code"`;

/** Takes apart what `scriptOf` has brought together. */
export function parted(code: number, result: string): ShortRun {
  const at = code === 0 ? -1 : result.lastIndexOf(`\n${mark}\n`);
  if (at === -1) return { code, stdout: result, stderr: code === 0 ? "" : result };
  return { code, stdout: result.slice(0, at), stderr: result.slice(at + mark.length + 2) };
}

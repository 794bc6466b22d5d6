import {
  type Environment,
  type Labels,
  Lease,
  type RemoteCommand,
  type RemoteMachine,
  SandboxAgentError,
  type ShortRun,
  makeHomeFolderCommand,
  noFolderCode,
} from "../../src/kit.ts";
import { providerName, wordsOf } from "./api-errors.ts";
import type { Cluster } from "./cluster.ts";
import { type ExecConnection, type ExecRequest, startExec } from "./exec-connection.ts";
import type { KubernetesSettings } from "./kubernetes-options.ts";
import { deletePod, isRunning, readPod } from "./pod-state.ts";

/** A list of all processes, for example. */
const longestOutputBytes = 1024 * 1024;

export interface MachineFacts {
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  /** The pod's name. */
  readonly id: string;
  readonly labels: Labels;
  readonly env: Environment;
  /** Absent: the one in the home folder. */
  readonly cwd?: string;
  /** Whether this process has created it, and so keeps it alive whether it is used or not. */
  readonly isOwn?: boolean;
}

/** A pod that runs, by the calls of Kubernetes alone. */
export class KubernetesMachine implements RemoteMachine {
  readonly provider = providerName;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user?: string;
  readonly traits = { environment: "stdin", stdin: "native", users: "launcher" } as const;
  readonly keepAlive?: { readonly everyMs: number; renew(): Promise<void> };
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  readonly #lease: Lease;

  private constructor(facts: MachineFacts, cwd: string) {
    this.cluster = facts.cluster;
    this.settings = facts.settings;
    this.id = facts.id;
    this.labels = facts.labels;
    this.env = facts.env;
    this.cwd = cwd;
    const { user, timeoutMs } = facts.settings;
    if (user !== undefined) this.user = user;
    const lease = new Lease(timeoutMs, (argv) => runShort(this.cluster, this.id, argv));
    this.#lease = lease;
    if (facts.isOwn === true) lease.begin();
    else this.keepAlive = { everyMs: lease.everyMs, renew: () => lease.renew() };
  }

  /** Makes the working directory, which shows that processes can be started, too. */
  static async prepare(facts: MachineFacts): Promise<KubernetesMachine> {
    const argv = makeHomeFolderCommand(facts.cwd, facts.settings.user);
    const { code, stdout, stderr } = await runShort(facts.cluster, facts.id, argv);
    if (code === 0) return new KubernetesMachine(facts, stdout);
    throw new SandboxAgentError(
      "sandbox_create_failed",
      code === noFolderCode
        ? `The working directory ${facts.cwd ?? "in the home folder"} could not be made: ${stderr.trim()}`
        : `No process can be started in the pod: ${stderr.trim()}`,
      {
        details: { provider: providerName },
        ...(code === noFolderCode
          ? { remedy: 'Give a folder that the container\'s user may make with "cwd".' }
          : {}),
      },
    );
  }

  start(command: RemoteCommand): Promise<ExecConnection> {
    return startExec(this.cluster, this.id, { argv: command.argv, stdin: command.stdin, reportsExit: true });
  }

  run(command: RemoteCommand): Promise<ShortRun> {
    return runShort(this.cluster, this.id, command.argv);
  }

  async destroy(): Promise<void> {
    this.#lease.end();
    return deletePod(this.cluster, this.id);
  }

  async detach(ttlMs: number): Promise<void> {
    try {
      await this.#lease.letGo(ttlMs);
    } catch (cause) {
      if (SandboxAgentError.is(cause)) throw cause;
      const words = `The pod ${this.id} took no time to live: ${wordsOf(cause)}`;
      throw new SandboxAgentError("sandbox_lost", words, { details: { id: this.id }, cause });
    }
  }

  async isAlive(): Promise<boolean> {
    try {
      const pod = await readPod(this.cluster, this.id);
      return pod !== undefined && isRunning(pod);
    } catch {
      // An API server that does not answer says nothing about the pod.
      return true;
    }
  }
}

/** Runs a small command of the library's own to its end. */
export async function runShort(cluster: Cluster, pod: string, argv: ExecRequest["argv"]): Promise<ShortRun> {
  const connection = await startExec(cluster, pod, { argv, stdin: false });
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      textOf(connection.stdout),
      textOf(connection.stderr),
      connection.exited,
    ]);
    return { code: code ?? 255, stdout, stderr };
  } finally {
    connection.disconnect();
  }
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length < longestOutputBytes) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks).toString();
}

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Environment,
  type Labels,
  type ProcessExit,
  type RemoteCommand,
  type RemoteConnection,
  type RemoteMachine,
  type RemoteTraits,
  SandboxAgentError,
  renewCommand,
  stillHeldCode,
  writableFromNode,
} from "../../src/kit.ts";
import type { CliKind } from "./cli-kind.ts";
import type { CliLifeline } from "./cli-lifeline.ts";
import { CliRefusal, type ContainerCli } from "./container-cli.ts";
import { PipedOutput } from "./piped-output.ts";

const removalTimeoutMs = 10_000;
const removalPollMs = 50;

export interface CliMachineInit {
  readonly cli: ContainerCli;
  readonly kind: CliKind;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user: string;
  /** Present in the process that created the sandbox. */
  readonly lifeline?: CliLifeline;
}

/** A container whose processes are started by the engine's program. */
export class CliMachine implements RemoteMachine {
  readonly provider: string;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user?: string;
  // In the program's arguments everybody on this machine could read the variables.
  readonly traits: RemoteTraits = { environment: "stdin", stdin: "native", users: "native" };
  readonly #init: CliMachineInit;
  readonly #outputs = new Set<PipedOutput>();

  constructor(init: CliMachineInit) {
    this.provider = init.kind.name;
    this.id = init.id;
    this.cwd = init.cwd;
    this.labels = init.labels;
    this.env = init.env;
    if (init.user !== "") this.user = init.user;
    this.#init = init;
  }

  async start({ argv, stdin: wantsInput, user }: RemoteCommand): Promise<RemoteConnection> {
    const args = ["exec", ...(wantsInput ? ["--interactive"] : [])];
    if (user !== undefined) args.push("--user", user);
    const { child, stdin, stdout, stderr } = this.#init.cli.start([...args, this.id, ...argv]);
    if (!wantsInput) stdin.end();
    const outputs = [new PipedOutput(stdout), new PipedOutput(stderr)] as const;
    for (const output of outputs) this.#outputs.add(output);
    child.once("close", () => {
      for (const output of outputs) this.#outputs.delete(output);
    });
    const ended = new Promise<ProcessExit>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        // A signal has ended the program that brings the output, which says nothing of the process.
        if (code === null) reject(new Error(`The program was ended by ${String(signal)}.`));
        else resolve({ code, signal: null });
      });
    });
    const exited = ended.then(async (exit) => this.#checked(exit));
    exited.catch(() => undefined);
    return {
      ...(wantsInput ? { stdin: writableFromNode(stdin) } : {}),
      stdout: outputs[0].stream,
      stderr: outputs[1].stream,
      exited,
      disconnect: () => {
        child.kill("SIGKILL");
        for (const stream of [stdin, stdout, stderr]) stream.destroy();
      },
    };
  }

  async destroy(): Promise<void> {
    const { cli, kind, lifeline } = this.#init;
    // Podman does not see a process end whose output it cannot get rid of.
    for (const output of this.#outputs) output.letRun();
    const deadline = performance.now() + removalTimeoutMs;
    for (;;) {
      let refusal: CliRefusal | undefined;
      try {
        await cli.ask(kind.removeArgs(this.id));
      } catch (error) {
        if (!(error instanceof CliRefusal)) throw error;
        refusal = error;
      }
      // The engine's own clean-up, after the end of the main process, may be under way.
      if (!(await this.isListed())) break;
      if (performance.now() > deadline) throw refusal ?? new Error("The container is not removed.");
      await delay(removalPollMs);
    }
    lifeline?.close();
  }

  async detach(ttlMs: number): Promise<void> {
    const seconds = Math.max(1, Math.ceil(ttlMs / 1000));
    const { lifeline, cli } = this.#init;
    if (lifeline !== undefined) {
      await lifeline.letGo(seconds).catch((cause: unknown) => {
        const words = `The sandbox ${this.provider}/${this.id} is lost. It has ended already.`;
        throw new SandboxAgentError("sandbox_lost", words, { details: { id: this.id }, cause });
      });
      return;
    }
    const { code } = await cli.run([
      "exec",
      "--user",
      "0:0",
      this.id,
      ...renewCommand(seconds, randomUUID()),
    ]);
    if (code === 0) return;
    const why = code === stillHeldCode ? "the process that created it still holds it" : "its time is fixed";
    throw new SandboxAgentError(
      "unsupported",
      `The sandbox ${this.provider}/${this.id} cannot be given a time to live: ${why}.`,
      { details: { subject: this.provider, feature: "detach" } },
    );
  }

  async isAlive(): Promise<boolean> {
    const { cli, kind } = this.#init;
    const { code, stdout } = await cli.run(kind.inspectArgs(this.id));
    return code === 0 && kind.parseInspect(stdout)?.running === true;
  }

  async isListed(): Promise<boolean> {
    const { cli, kind } = this.#init;
    const listed = kind.parseList(await cli.ask(kind.listArgs)) ?? [];
    return listed.some(({ id }) => id === this.id);
  }

  /** A process of a container that ends is told as killed. */
  async #checked(exit: ProcessExit): Promise<ProcessExit> {
    if (exit.code === 137 && !(await this.isAlive())) throw new Error("The container ended while it ran.");
    return exit;
  }
}

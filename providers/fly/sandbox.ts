import { randomUUID } from "node:crypto";
import {
  type CanExtend,
  type CanPause,
  type Environment,
  type PolledProcessOptions,
  type RemoteCommand,
  RemoteSandbox,
  SandboxAgentError,
  type ShortRun,
  type ShortRuns,
  renewedExpiry,
  startPolledProcess,
} from "../../src/kit.ts";
import { AnswerSize } from "./answer-size.ts";
import { deadlineCommand } from "./machine-config.ts";
import { type FlyMachine, type FlyService, providerName } from "./service.ts";

export interface FlySandboxParts {
  readonly service: FlyService;
  readonly machine: FlyMachine;
  readonly cwd: string;
  readonly env: Environment;
  readonly user: string | undefined;
  readonly timeoutMs: number;
}

/** What one command carries to the machine, of which base64 makes four bytes for three. */
const maxInputBytes = 2 ** 20;

/** As long as it is suspended its clock stands still, and would be over at once when it goes on. */
const whileSuspendedMs = 3650 * 86_400_000;

/** A machine of Fly.io. */
export class FlySandbox extends RemoteSandbox implements CanPause, CanExtend {
  readonly #service: FlyService;
  readonly #timeoutMs: number;
  readonly #pause: { isPaused: boolean };
  /** Everything that sets the machine's end, one after the other. */
  readonly #inTurn: (task: () => Promise<void>) => Promise<void>;

  constructor({ service, machine, cwd, env, user, timeoutMs }: FlySandboxParts) {
    const { id } = machine;
    const pause = { isPaused: false };
    // One that is on its way must not arrive after the next.
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = async (task: () => Promise<void>): Promise<void> => {
      const done = last.then(task);
      last = done.catch(() => undefined);
      return done;
    };
    const everyMs = Math.max(500, timeoutMs / 3);
    // The service takes few requests for one machine, and each process asks for it.
    let renewedAt = Number.NEGATIVE_INFINITY;
    const size = new AnswerSize();
    const withInput = async (command: RemoteCommand, input?: Uint8Array): Promise<ShortRun> => {
      if (pause.isPaused) throw pausedFailure(id);
      try {
        const ended = await service.run(id, command.argv, command.env, input);
        size.came(ended.stdout);
        return ended;
      } catch (error) {
        size.failed();
        throw error;
      }
    };
    const run = (command: RemoteCommand): Promise<ShortRun> => withInput(command);
    const shortRuns: ShortRuns = {
      run,
      withInput,
      get maxAnswerBytes() {
        return size.bytes;
      },
      maxInputBytes,
    };
    super({
      provider: providerName,
      id,
      cwd,
      labels: machine.labels,
      env,
      ...(user === undefined ? {} : { user }),
      traits: { environment: "native", stdin: "fifo", users: "launcher", fifoChunkBytes: maxInputBytes },
      start: (command) => startPolledProcess(command, polledBy(shortRuns)),
      run,
      shortRuns,
      destroy: () => service.destroy(id),
      detach: (ttlMs) =>
        inTurn(async () => {
          await service.setLabels(id, renewedExpiry(machine.labels, ttlMs));
          await setDeadline(service, id, ttlMs, "set");
        }),
      keepAlive: {
        everyMs,
        renew: async () => {
          if (performance.now() - renewedAt < everyMs / 2) return;
          renewedAt = performance.now();
          await inTurn(async () => {
            if (!pause.isPaused) await setDeadline(service, id, timeoutMs, "later");
          });
        },
      },
      isAlive: async () => {
        try {
          await service.get(id);
          return true;
        } catch (error) {
          if (SandboxAgentError.is(error, "sandbox_not_found")) return false;
          throw error;
        }
      },
    });
    this.#service = service;
    this.#timeoutMs = timeoutMs;
    this.#pause = pause;
    this.#inTurn = inTurn;
  }

  async pause(): Promise<void> {
    this.assertOpen();
    return this.#inTurn(async () => {
      if (this.#pause.isPaused) return;
      await setDeadline(this.#service, this.id, whileSuspendedMs, "set");
      this.#pause.isPaused = true;
      try {
        await this.#service.change(this.id, "suspend");
        await this.#service.wait(this.id, "suspended");
      } catch (error) {
        this.#pause.isPaused = false;
        throw error;
      }
    });
  }

  async resume(): Promise<void> {
    this.assertOpen();
    return this.#inTurn(async () => {
      if (!this.#pause.isPaused) return;
      await this.#service.change(this.id, "start");
      await this.#service.wait(this.id, "started");
      this.#pause.isPaused = false;
      await setDeadline(this.#service, this.id, this.#timeoutMs, "set");
    });
  }

  async extend(durationMs: number): Promise<void> {
    this.assertOpen();
    return this.#inTurn(() => setDeadline(this.#service, this.id, durationMs, "set"));
  }
}

function polledBy(runs: ShortRuns): PolledProcessOptions {
  return {
    run: (command) => runs.run(command),
    processId: randomUUID(),
    get maxAnswerBytes() {
      return runs.maxAnswerBytes;
    },
  };
}

/** Has the machine end so many milliseconds from now. */
export async function setDeadline(
  service: FlyService,
  id: string,
  lifeMs: number,
  how: "set" | "later",
): Promise<void> {
  const { code, stderr } = await service.run(id, deadlineCommand(lifeMs, how));
  if (code === 0) return;
  throw new SandboxAgentError("provider_failed", `fly could not set the end of a machine: ${stderr.trim()}`, {
    details: { provider: providerName },
  });
}

function pausedFailure(id: string): SandboxAgentError {
  return new SandboxAgentError("unsupported", `The sandbox fly/${id} is paused, and starts nothing.`, {
    details: { subject: providerName, feature: "a process in a paused sandbox" },
    remedy: "Call resume() first.",
  });
}

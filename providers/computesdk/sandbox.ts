import { randomUUID } from "node:crypto";
import {
  type Argv,
  type CanExpose,
  type Environment,
  type ExposedPort,
  type FileOptions,
  type Labels,
  type RemoteCommand,
  RemoteSandbox,
  type ShortRun,
  abortable,
  startPolledProcess,
} from "../../src/kit.ts";
import { vendorCommand } from "./commands.ts";
import type { Compute, ComputeSandbox } from "./compute.ts";
import { vendorFiles } from "./files.ts";
import { providerName, vendorCall } from "./vendor-call.ts";

export interface ComputesdkSandboxParts {
  readonly compute: Compute;
  readonly sandbox: ComputeSandbox;
  readonly privateFolder: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user: string | undefined;
  readonly timeoutMs: number;
}

/** Longer than a poll waits inside. */
const commandTimeoutMs = 60_000;

/** A sandbox of one of computesdk's vendors. */
export class ComputesdkSandbox extends RemoteSandbox implements CanExpose {
  readonly #sandbox: ComputeSandbox;
  readonly #timeoutMs: number;

  constructor(parts: ComputesdkSandboxParts) {
    const { compute, sandbox, privateFolder, cwd, labels, env, user, timeoutMs } = parts;
    const id = sandbox.sandboxId;
    const run = ({ argv, env: variables }: Pick<RemoteCommand, "argv" | "env">): Promise<ShortRun> =>
      runCommand(sandbox, argv, variables, timeoutMs);
    const openRun = async (argv: Argv): Promise<ShortRun> => {
      assertOpen();
      return run({ argv, env: {} });
    };
    super(
      {
        provider: providerName,
        id,
        cwd,
        labels,
        env,
        ...(user === undefined ? {} : { user }),
        traits: { environment: "native", stdin: "fifo", users: "launcher" },
        start: (command) => startPolledProcess(command, { run, processId: randomUUID() }),
        run,
        destroy: () => vendorCall({ action: "destroy a sandbox", id, timeoutMs }, () => sandbox.destroy()),
        isAlive: async () => {
          const found = await vendorCall({ action: "find a sandbox", id, timeoutMs }, () =>
            compute.sandbox.getById(id),
          );
          return found !== null && (await run({ argv: ["true"], env: {} })).code === 0;
        },
      },
      vendorFiles({ sandbox, cwd, privateFolder, timeoutMs, run: openRun }),
    );
    const assertOpen = (): void => {
      this.assertOpen();
    };
    this.#sandbox = sandbox;
    this.#timeoutMs = timeoutMs;
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    const call = { action: "expose a port", id: this.id, timeoutMs: this.#timeoutMs };
    const url = await abortable(
      vendorCall(call, () => this.#sandbox.getUrl({ port })),
      options.signal,
    );
    return { url: url.replace(/\/+$/, "") };
  }
}

/** Runs a command to its end, as the vendor's user. */
export async function runCommand(
  sandbox: ComputeSandbox,
  argv: Argv,
  variables: Environment,
  timeoutMs: number,
): Promise<ShortRun> {
  const { line, env } = vendorCommand(argv, variables);
  const call = { action: "run a command", id: sandbox.sandboxId, timeoutMs: timeoutMs + commandTimeoutMs };
  const { exitCode, stdout, stderr } = await vendorCall(call, () =>
    sandbox.runCommand(line, {
      timeout: commandTimeoutMs,
      ...(Object.keys(env).length === 0 ? {} : { env }),
    }),
  );
  return { code: exitCode, stdout, stderr };
}

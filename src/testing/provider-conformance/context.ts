import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import type { CreateOptions, Sandbox, SandboxProvider, SandboxSpec } from "../../spec/sandbox.ts";
import { converse, readAll } from "./conversation.ts";
import { describeError } from "./expectations.ts";
import type {
  Conversation,
  ProviderContext,
  RunRequirementOptions,
  ShellOptions,
  ShellOutput,
} from "./requirement.ts";

export class RequirementContext implements ProviderContext {
  readonly provider: SandboxProvider;
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly labels = { "conformance.run": randomUUID() };
  readonly #sandboxes = new Set<Sandbox>();

  readonly #listening: { readonly port?: number; readonly host?: string };

  constructor(options: RunRequirementOptions, signal: AbortSignal, patienceMs: number) {
    this.provider = options.create();
    this.signal = signal;
    this.patienceMs = patienceMs;
    this.#listening = options.expose ?? {};
  }

  async listening(): Promise<{ readonly port: number; readonly host: string }> {
    const { port = await freePort(), host = "0.0.0.0" } = this.#listening;
    return { port, host };
  }

  async create(spec: Partial<SandboxSpec> = {}, options: CreateOptions = {}): Promise<Sandbox> {
    const complete = { env: {}, labels: this.labels, ...spec };
    // The requirement's own deadline, so that a sandbox which arrives too late is not left behind.
    return this.track(await this.provider.create(complete, { signal: this.signal, ...options }));
  }

  track(sandbox: Sandbox): Sandbox {
    this.#sandboxes.add(sandbox);
    return sandbox;
  }

  async run(sandbox: Sandbox, script: string, options: ShellOptions = {}): Promise<ShellOutput> {
    const process = await this.#spawn(sandbox, script, options, options.input === undefined);
    try {
      if (options.input !== undefined) void feed(process.stdin, options.input);
      const ended = Promise.all([readAll(process.stdout), readAll(process.stderr), process.exited]);
      const what = `the end of: ${script.trim()}`;
      const [stdout, stderr, exit] = await this.within(ended, what, options.timeoutMs);
      return { stdout, stderr, exit };
    } catch (error) {
      await process.kill().catch(() => undefined);
      throw error;
    }
  }

  async text(sandbox: Sandbox, script: string, options: ShellOptions = {}): Promise<string> {
    const { exit, stdout, stderr } = await this.run(sandbox, script, options);
    if (exit.code !== 0) {
      const how = exit.code === null ? `was ended by ${String(exit.signal)}` : `exited with ${exit.code}`;
      throw new Error(`This ${how}, where 0 was expected: ${script.trim()}\n${stderr.toString()}`);
    }
    return stdout.toString();
  }

  async start(sandbox: Sandbox, script: string, options: ShellOptions = {}): Promise<Conversation> {
    const process = await this.#spawn(sandbox, script, options, false);
    if (options.input !== undefined) void feed(process.stdin, options.input);
    return converse(process, (promise, what) => this.within(promise, `${what} of: ${script.trim()}`));
  }

  async within<Value>(
    promise: Promise<Value>,
    what: string,
    timeoutMs: number = this.patienceMs,
  ): Promise<Value> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`Waited ${String(timeoutMs)} ms for ${what}.`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws Error that names what could not be destroyed. */
  async destroyAll(): Promise<void> {
    const failures: string[] = [];
    for (const sandbox of this.#sandboxes) {
      try {
        await this.within(sandbox.destroy(), "destroy() after the requirement");
      } catch (error) {
        failures.push(`Sandbox ${sandbox.id} could not be destroyed: ${describeError(error)}`);
      }
    }
    await this.#destroyListed().catch((error: unknown) => failures.push(describeError(error)));
    if (failures.length > 0) throw new Error(failures.join("\n"));
  }

  /** A handle that was detached has let go of its sandbox. */
  async #destroyListed(): Promise<void> {
    for await (const { id } of this.provider.list({ labels: this.labels })) {
      const connected = await this.within(this.provider.connect(id, { env: {} }), "connect() afterwards");
      await this.within(connected.destroy(), "destroy() afterwards");
    }
  }

  #spawn(sandbox: Sandbox, script: string, options: ShellOptions, ignoreInput: boolean) {
    const { args = [], env, cwd, user } = options;
    const spawned = sandbox.spawn({
      argv: ["/bin/sh", "-c", script, "sh", ...args],
      stdin: ignoreInput ? "ignore" : "pipe",
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
    });
    return this.within(spawned, `spawn() of: ${script.trim()}`, options.timeoutMs);
  }
}

/** Free on this machine, which may be the sandbox, too. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("This machine has no free port.");
  return address.port;
}

/** A process is free to end without reading its input. */
async function feed(stdin: WritableStream<Uint8Array>, input: string | Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // Shows in what the process does.
  }
}

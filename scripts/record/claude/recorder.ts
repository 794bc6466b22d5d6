import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { claude, type ClaudeOptions } from "../../../backends/claude/index.ts";
import type {
  AgentEventBody,
  AgentProtocol,
  HostAnswer,
  HostRequest,
  LaunchInput,
  NativeSession,
  ProtocolInput,
  Step,
} from "../../../src/kit.ts";
import { expectedStep, type Transcript, type TranscriptCall, type TranscriptEntry } from "./transcript.ts";

type EventType = AgentEventBody["type"];
type EventOf<Type extends EventType> = Extract<AgentEventBody, { readonly type: Type }>;

export interface RecorderSetup {
  readonly executable: string;
  readonly version: string;
  readonly modelUrl: string;
  /** Emptied before, removed after. */
  readonly folder: string;
  readonly scenario: string;
  readonly about: string;
  readonly options: ClaudeOptions;
  readonly input: Partial<Omit<ProtocolInput, "sessionId" | "cwd" | "stateDirectory">>;
}

const sessionId = "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";
const waitMs = 30_000;

/** Runs the real CLI by the backend's own launch and protocol, and keeps every call with what came of it. */
export class ClaudeRecorder {
  readonly cwd: string;
  readonly #setup: RecorderSetup;
  readonly #options: ClaudeOptions;
  readonly #input: ProtocolInput;
  readonly #protocol: AgentProtocol;
  readonly #entries: TranscriptEntry[] = [];
  readonly #events: AgentEventBody[] = [];
  readonly #watchers = new Set<() => void>();
  #seen = 0;
  #turns = 0;
  #isReady = false;
  #isResumeLost = false;
  #nativeSessionId: string | undefined;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(setup: RecorderSetup) {
    this.#setup = setup;
    this.cwd = `${setup.folder}/workspace`;
    const stateDirectory = `${setup.folder}/state`;
    rmSync(setup.folder, { recursive: true, force: true });
    mkdirSync(this.cwd, { recursive: true });
    mkdirSync(stateDirectory, { recursive: true });
    this.#options = setup.options;
    this.#input = {
      sessionId,
      cwd: this.cwd,
      stateDirectory,
      permissions: "allow-all",
      mcpServers: {},
      answersQuestions: true,
      libraryVersion: "0.0.0",
      ...setup.input,
    };
    this.#protocol = claude(this.#options).protocol(this.#input);
  }

  get transcript(): Transcript {
    const { scenario, about, version } = this.#setup;
    const cli = { package: claude().cli.package, version };
    const head = {
      backend: "claude",
      scenario,
      about,
      cli,
      options: this.#options,
      input: this.#input,
    } as const;
    return { head, entries: this.#entries };
  }

  get nativeSessionId(): string {
    if (this.#nativeSessionId === undefined) throw new Error("The CLI has not told its session's id.");
    return this.#nativeSessionId;
  }

  /** Starts a process, and waits until it can be prompted, or has failed to start. */
  async start(resume?: NativeSession): Promise<void> {
    const { executable, modelUrl, folder } = this.#setup;
    const backend = claude({ ...this.#options, apiKey: "any-key", baseUrl: modelUrl });
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: "1",
      CLAUDE_CODE_MAX_RETRIES: "2",
      ...backend.env,
    };
    const launchInput: LaunchInput = {
      ...this.#input,
      executable,
      env,
      ...(resume === undefined ? {} : { resume }),
    };
    const launch = backend.launch(launchInput);
    for (const file of launch.files) {
      mkdirSync(dirname(file.path), { recursive: true });
      writeFileSync(file.path, file.content, { mode: file.mode ?? 0o600 });
    }
    const [, ...args] = launch.argv;
    const child = spawn(executable, args, { cwd: this.cwd, env: { ...env, ...launch.env }, stdio: "pipe" });
    this.#process = child;
    this.#isReady = false;
    this.#isResumeLost = false;
    this.#isRunning = true;
    this.#exited = this.#follow(child);
    // A CLI that ends at once closes its input under us.
    child.stdin.on("error", () => undefined);
    this.#call({ call: "open", ...(resume === undefined ? {} : { resume }), argv: ["claude", ...args] });
    await this.#until(() => this.#isReady || this.#isResumeLost || !this.#isRunning, "the CLI is ready");
  }

  prompt(text: string): void {
    this.#turns += 1;
    const turn = { turnId: `turn-${this.#turns}`, content: [{ type: "text", text }] } as const;
    this.#call({ call: "prompt", turn });
  }

  /** Prompts, and waits for the end of the turn. */
  async turn(text: string): Promise<void> {
    this.prompt(text);
    await this.turnEnd();
  }

  async turnEnd(): Promise<void> {
    await this.#nextEvent((event) => event.type.startsWith("turn."), "the end of the turn");
  }

  next<Type extends EventType>(type: Type): Promise<EventOf<Type>> {
    return this.#nextEvent((event): event is EventOf<Type> => event.type === type, type);
  }

  reply(answer: HostAnswer): void {
    this.#call({ call: "reply", answer });
  }

  interrupt(): void {
    this.#call({ call: "interrupt" });
  }

  request(request: HostRequest): void {
    this.#call({ call: "request", request });
  }

  /** Closes standard input and waits for the end of the process. */
  async close(): Promise<void> {
    this.#process?.stdin?.end();
    await this.exited();
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#process?.kill(signal);
    await this.exited();
  }

  async exited(): Promise<void> {
    await this.#until(() => !this.#isRunning, "the CLI has ended");
    await this.#exited;
  }

  /** Ends what is left, also after a failure. */
  async dispose(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#exited;
    rmSync(this.#setup.folder, { recursive: true, force: true });
  }

  async #follow(child: ChildProcess): Promise<void> {
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-8192);
    });
    const closed = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
      child.once("close", (code, signal) => resolve([code, signal]));
    });
    if (child.stdout !== null) {
      for await (const line of createInterface({ input: child.stdout })) {
        if (line !== "") this.#call({ call: "push", line });
      }
    }
    const [code, signal] = await closed;
    this.#isRunning = false;
    this.#call({ call: "end", exit: { code, signal, stderr } });
  }

  #call(call: TranscriptCall): void {
    const step = this.#step(call);
    this.#entries.push({ call, step: expectedStep(step) });
    if (step.ready === true) this.#isReady = true;
    if (step.resumeLost === true) this.#isResumeLost = true;
    if (step.nativeSessionId !== undefined) this.#nativeSessionId = step.nativeSessionId;
    this.#events.push(...(step.events ?? []));
    for (const line of step.write ?? []) this.#process?.stdin?.write(`${line}\n`);
    if (step.closeStdin === true) this.#process?.stdin?.end();
    for (const watcher of [...this.#watchers]) watcher();
  }

  #step(call: TranscriptCall): Step {
    switch (call.call) {
      case "open":
        return this.#protocol.open(call.resume === undefined ? {} : { resume: call.resume });
      case "prompt":
        return this.#protocol.prompt(call.turn);
      case "push":
        return this.#protocol.push(call.line);
      case "reply":
        return this.#protocol.reply(call.answer);
      case "interrupt":
        return this.#protocol.interrupt();
      case "request":
        return this.#protocol.request?.(call.request) ?? {};
      case "end":
        return this.#protocol.end(call.exit);
    }
  }

  async #nextEvent<Event extends AgentEventBody>(
    matches: ((event: AgentEventBody) => event is Event) | ((event: AgentEventBody) => boolean),
    what: string,
  ): Promise<Event> {
    let found: AgentEventBody | undefined;
    await this.#until(() => {
      while (found === undefined && this.#seen < this.#events.length) {
        const event = this.#events[this.#seen++];
        if (event !== undefined && matches(event)) found = event;
      }
      return found !== undefined;
    }, what);
    return found as unknown as Event;
  }

  #until(isSo: () => boolean, what: string): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        if (!isSo()) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        const last = this.#entries.slice(-5).map((entry) => JSON.stringify(entry).slice(0, 500));
        reject(new Error(`${this.#setup.scenario}: waited in vain until ${what}. Last:\n${last.join("\n")}`));
      }, waitMs);
      this.#watchers.add(watcher);
    });
  }
}

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type {
  AgentContentPart,
  AgentEventBody,
  AgentProtocol,
  Environment,
  HostAnswer,
  HostRequest,
  JsonObject,
  NativeSession,
  ProtocolInput,
  TurnInput,
} from "../../src/kit.ts";
import { mcpEchoServer } from "../../src/testing/backend-conformance/mcp-echo-server.ts";
import {
  expectedStep,
  performCall,
  type Transcript,
  type TranscriptCall,
  type TranscriptEntry,
} from "../../src/testing/backend-conformance/transcript.ts";
import { RecordedProcess } from "./recorded-process.ts";
import { recordingKey, type PlannedScenario } from "./scenario.ts";
import { Scrubber } from "./scrubber.ts";

type EventType = AgentEventBody["type"];
type EventOf<Type extends EventType> = Extract<AgentEventBody, { readonly type: Type }>;

export interface RecorderSetup {
  readonly scenario: PlannedScenario;
  readonly executable: string;
  readonly version: string;
  /** Address of the model server, without a path. */
  readonly modelUrl: string;
  /** Emptied before, removed after. */
  readonly folder: string;
}

export interface StartOfProcess {
  readonly resume?: NativeSession;
  /** The turn that a process of mode `"turn"` is for. It is prompted as soon as the CLI is ready. */
  readonly prompt?: string | readonly AgentContentPart[];
  /** The JSON Schema that the answer of that turn has to fit. */
  readonly outputSchema?: JsonObject;
}

const sessionId = "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";
const defaultWaitMs = 30_000;

/** Runs the real CLI by the backend's own launch and protocol, and keeps every call with what came of it. */
export class Recorder {
  /** The agent's working directory; its parent is the CLI's HOME. */
  readonly cwd: string;
  readonly #setup: RecorderSetup;
  readonly #input: ProtocolInput;
  readonly #protocol: AgentProtocol;
  readonly #scrubber: Scrubber;
  readonly #entries: TranscriptEntry[] = [];
  readonly #events: AgentEventBody[] = [];
  readonly #watchers = new Set<() => void>();
  #seen = 0;
  #turns = 0;
  #isReady = false;
  #isLost = false;
  #nativeSessionId: string | undefined;
  #process: RecordedProcess | undefined;
  #tick: NodeJS.Timeout | undefined;

  constructor(setup: RecorderSetup) {
    const { scenario, folder, executable, modelUrl } = setup;
    this.#setup = setup;
    this.#scrubber = new Scrubber({ executable, modelUrl, apiKey: recordingKey });
    this.cwd = `${folder}/workspace`;
    const stateDirectory = `${folder}/state`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(this.cwd, { recursive: true });
    mkdirSync(stateDirectory, { recursive: true });
    const { model } = scenario.replayed;
    this.#input = {
      sessionId,
      cwd: this.cwd,
      stateDirectory,
      permissions: "allow-all",
      mcpServers: scenario.withEchoServer === true ? this.#echoServer() : {},
      answersQuestions: true,
      libraryVersion: "0.0.0",
      ...(model === undefined ? {} : { model }),
      ...scenario.input,
    };
    this.#protocol = scenario.replayed.protocol(this.#input);
  }

  get transcript(): Transcript {
    const { scenario, version } = this.#setup;
    const { name, about, options, replayed } = scenario;
    const cli = { package: replayed.cli.package, version };
    return {
      head: { backend: replayed.name, scenario: name, about, cli, options, input: this.#input },
      entries: this.#entries,
    };
  }

  get nativeSessionId(): string {
    if (this.#nativeSessionId === undefined) throw new Error("The CLI has not told its session's id.");
    return this.#nativeSessionId;
  }

  /** Starts a process, and waits until it can be prompted, or has failed to start. */
  async start({ resume, prompt, outputSchema }: StartOfProcess = {}): Promise<void> {
    const { scenario, executable, modelUrl, folder } = this.#setup;
    const backend = scenario.launched({ url: modelUrl, apiKey: recordingKey });
    const turn = prompt === undefined ? undefined : this.#nextTurn(prompt, outputSchema);
    const env: Environment = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      ...scenario.env,
      ...backend.env,
    };
    const launch = backend.launch({
      ...this.#input,
      executable,
      env,
      ...(resume === undefined ? {} : { resume }),
      ...(turn === undefined ? {} : { turn }),
    });
    // A backend may start its CLI by another program, but knows not where a command of its own is found.
    const program = backend.command === undefined ? launch.argv[0] : executable;
    this.#isReady = false;
    this.#isLost = false;
    // Lines come no sooner than this function gives way, which is after `open`.
    const started = new RecordedProcess(
      program,
      launch,
      { cwd: this.cwd, env },
      {
        line: (line) => this.#call({ call: "push", line: this.#scrubber.scrub(line) }),
        ended: (exit) =>
          this.#call({ call: "end", exit: { ...exit, stderr: this.#scrubber.scrub(exit.stderr) } }),
      },
    );
    this.#process = started;
    const named = backend.command?.[0] ?? backend.cli.command;
    const argv = [program === executable ? named : program, ...launch.argv.slice(1)].map((word) =>
      this.#scrubber.scrub(word),
    );
    this.#call({ call: "open", ...(resume === undefined ? {} : { resume }), argv });
    await this.#until(() => this.#isReady || this.#isLost || !started.isRunning, "the CLI is ready");
    if (turn !== undefined && this.#isPromptable()) this.#call({ call: "prompt", turn });
  }

  prompt(content: string | readonly AgentContentPart[], outputSchema?: JsonObject): void {
    this.#call({ call: "prompt", turn: this.#nextTurn(content, outputSchema) });
  }

  /** Prompts, and waits for the end of the turn. */
  async turn(content: string | readonly AgentContentPart[], outputSchema?: JsonObject): Promise<void> {
    this.prompt(content, outputSchema);
    await this.turnEnd();
  }

  async turnEnd(): Promise<void> {
    await this.#nextEvent((event) => event.type.startsWith("turn."), "the end of the turn");
  }

  /** The next event of the type behind those that were waited for before. */
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

  /** Waits until the CLI has said something that holds the text. */
  async said(text: string): Promise<void> {
    const isSaid = (): boolean =>
      this.#entries.some(({ call }) => call.call === "push" && call.line.includes(text));
    await this.#until(isSaid, `the CLI says ${text}`);
  }

  /** Closes standard input and waits for the end of the process. */
  async close(): Promise<void> {
    this.#process?.closeStdin();
    await this.exited();
  }

  /** Signals the process with its children, and waits for its end. */
  async kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#process?.kill(signal);
    await this.exited();
  }

  async exited(): Promise<void> {
    await this.#until(() => this.#process?.isRunning !== true, "the CLI has ended");
    await this.#process?.ended;
  }

  /** Ends what is left, also after a failure. */
  async dispose(): Promise<void> {
    clearTimeout(this.#tick);
    this.#process?.kill("SIGKILL");
    await this.#process?.ended.catch(() => undefined);
    clearTimeout(this.#tick);
    rmSync(this.#setup.folder, { recursive: true, force: true });
  }

  #isPromptable(): boolean {
    return this.#process?.isRunning === true && !this.#isLost;
  }

  #nextTurn(content: string | readonly AgentContentPart[], outputSchema: JsonObject | undefined): TurnInput {
    this.#turns += 1;
    const parts = typeof content === "string" ? [{ type: "text", text: content } as const] : content;
    const turn = { turnId: `turn-${this.#turns}`, content: parts };
    return outputSchema === undefined ? turn : { ...turn, outputSchema };
  }

  /** Lies in the scenario's folder, so that the recording names no path of this machine. */
  #echoServer(): ProtocolInput["mcpServers"] {
    const script = `${this.#setup.folder}/mcp-echo-server.mjs`;
    writeFileSync(script, mcpEchoServer);
    return { echo: { type: "stdio", command: "node", args: [script] } };
  }

  #call(call: TranscriptCall): void {
    const step = performCall(this.#protocol, call);
    this.#entries.push({ call, step: expectedStep(step) });
    if (step.ready === true) this.#isReady = true;
    if (step.resumeLost === true || step.startError !== undefined) this.#isLost = true;
    if (step.nativeSessionId !== undefined) this.#nativeSessionId = step.nativeSessionId;
    this.#events.push(...(step.events ?? []));
    this.#process?.write(step.write ?? []);
    if (step.closeStdin === true) this.#process?.closeStdin();
    if (step.wakeAfterMs !== undefined) this.#wakeAfter(step.wakeAfterMs);
    for (const watcher of [...this.#watchers]) watcher();
  }

  #wakeAfter(durationMs: number): void {
    clearTimeout(this.#tick);
    if (durationMs > 0) this.#tick = setTimeout(() => this.#call({ call: "tick" }), durationMs);
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
    const { name, waitMs = defaultWaitMs } = this.#setup.scenario;
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
        reject(new Error(`${name}: waited in vain until ${what}. Last:\n${last.join("\n")}`));
      }, waitMs);
      this.#watchers.add(watcher);
    });
  }
}

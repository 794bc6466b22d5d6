import type {
  AgentBackend,
  AgentContentPart,
  AgentSessionInput,
  BackendOptions,
  Environment,
} from "../../src/kit.ts";
import type { Scenario as ModelScenario } from "../../src/testing/model-server/index.ts";
import type { Recorder } from "./recorder.ts";

/** The key that the CLI is given; what shows it in a recording is hidden. */
export const recordingKey = "sk-recording-0123456789";

/** Where the CLI finds the model. */
export interface ModelAccess {
  /** Without a path: some APIs want `/v1` behind it. */
  readonly url: string;
  readonly apiKey: string;
}

/** What the session is given beside its id and its folders; by default every tool call is allowed. */
export type ScenarioInput = Partial<Omit<AgentSessionInput, "sessionId" | "cwd" | "stateDirectory">>;

/** One conversation to record. Prompts are directives of the model server. */
export interface Scenario<Options> {
  /** Becomes the file's name. */
  readonly name: string;
  readonly about: string;
  /** Added to the recording's own options, and kept in the recording's head. */
  readonly options?: Options;
  readonly input?: ScenarioInput;
  /** Gives the session an MCP server named `echo`, whose one tool of that name says the `text` it is given. */
  readonly withEchoServer?: boolean;
  /** Default: the model follows the directives in the prompt. */
  readonly model?: ModelScenario;
  /** The only key that the model server lets in. Default: any. */
  readonly apiKey?: string;
  /** How long one step of it may take. Default 30 s. */
  readonly waitMs?: number;
  readonly run: (recorder: Recorder) => Promise<void>;
}

/** How the conversations of one backend are recorded. */
export interface RecordingPlan<Options extends BackendOptions> {
  /** The backend's factory. */
  readonly backend: (options: Options) => AgentBackend;
  /** Adds what leads the CLI to the model server, and what spares time. None of it is recorded but by `argv`. */
  readonly connect: (options: Options, model: ModelAccess) => Options;
  /** Options of every scenario, kept in the recording's head. */
  readonly options?: Options;
  /** Added to the environment of the CLI's process. */
  readonly env?: Environment;
  readonly scenarios: readonly Scenario<Options>[];
}

/** A scenario with its backend, whatever the options of that are. */
export interface PlannedScenario extends Scenario<unknown> {
  readonly options: unknown;
  readonly env: Environment;
  /** As it is replayed. */
  readonly replayed: AgentBackend;
  /** As it is launched. */
  readonly launched: (model: ModelAccess) => AgentBackend;
}

export interface Recording {
  readonly scenarios: readonly PlannedScenario[];
}

/** Declares the recordings of a backend, for the default export of `scripts/record/scenarios/<backend>.ts`. */
export function defineRecording<Options extends BackendOptions>(plan: RecordingPlan<Options>): Recording {
  const { backend, connect, env = {} } = plan;
  const common = (plan.options ?? {}) as Options;
  return {
    scenarios: plan.scenarios.map((scenario) => {
      const options: Options = { ...common, ...scenario.options };
      const launched = (model: ModelAccess): AgentBackend => backend(connect(options, model));
      return { ...scenario, options, env, replayed: backend(options), launched };
    }),
  };
}

/** A session of one prompt that is left alone. */
export function oneTurn<Options>(
  name: string,
  about: string,
  prompt: string | readonly AgentContentPart[],
  rest: Omit<Scenario<Options>, "name" | "about" | "run"> = {},
): Scenario<Options> {
  return { name, about, ...rest, run: (recorder) => turns(recorder, prompt) };
}

/** One process that is prompted several times and then has its input closed. */
export async function turns(
  recorder: Recorder,
  ...prompts: readonly (string | readonly AgentContentPart[])[]
): Promise<void> {
  await recorder.start();
  for (const prompt of prompts) await recorder.turn(prompt);
  await recorder.close();
}

/** A process for each turn, each of which takes up the session of the one before. */
export async function processPerTurn(recorder: Recorder, ...prompts: readonly string[]): Promise<void> {
  for (const [index, prompt] of prompts.entries()) {
    const resume = index === 0 ? {} : { resume: { nativeSessionId: recorder.nativeSessionId, fork: false } };
    await recorder.start({ ...resume, prompt });
    await recorder.turnEnd();
    await recorder.exited();
  }
}

/** Waits for the next permission that is asked for, and answers it. */
export async function answerPermission(
  recorder: Recorder,
  outcome: "allow" | "deny",
  remember = false,
): Promise<void> {
  const { requestId } = await recorder.next("permission.requested");
  recorder.reply(
    outcome === "allow"
      ? { type: "permission", requestId, outcome, ...(remember ? { remember } : {}) }
      : { type: "permission", requestId, outcome, message: "Not that one." },
  );
}

/** A directive by which the model calls a tool of the CLI. */
export function tool(name: string, input: object | string): string {
  return `!tool ${name} ${JSON.stringify(input)}`;
}

/** Every tool call is asked for. */
export const asking = { input: { permissions: "ask" } } as const;

/** Long enough to be interrupted. */
export const longAnswer = "!slow 30\n!text One two three four five six seven eight nine ten eleven twelve.";

/** A PNG of one pixel, in base64. */
export const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

import type { AgentContentPart } from "./content.ts";
import type { AgentEventBody, QuestionAnswers, TurnErrorInfo } from "./events.ts";
import type { JsonObject } from "./json.ts";
import type { PermissionMode } from "./permissions.ts";
import type { Environment, ProcessExit } from "./sandbox.ts";

/** `"session"`: one long-lived process; `"turn"`: one process per turn. */
export type ProcessMode = "session" | "turn";

/** What an agent CLI can do through its backend, in the mode the backend was made for. */
export interface BackendCapabilities {
  /** A session can be taken up again by its native id. */
  readonly resume: boolean;
  readonly fork: boolean;
  /** The permission modes that the backend enforces for every tool call; others are refused. */
  readonly permissions: readonly PermissionMode[];
  /** A permission may be granted with another input. */
  readonly updatedInput: boolean;
  readonly questions: boolean;
  /** A message can be given to a running turn. */
  readonly steering: boolean;
  /** `"protocol"` keeps the process; `"signal"` ends it. */
  readonly interrupt: "protocol" | "signal";
  readonly images: boolean;
  readonly mcpServers: readonly McpServerSpec["type"][];
  readonly systemPrompt: readonly ("append" | "replace")[];
  /** The model can be changed without a new session. */
  readonly setModel: boolean;
  readonly textDeltas: boolean;
  readonly reasoning: boolean;
  readonly usage: boolean;
  /** The CLI tells what a turn has cost; elsewhere the caller may supply prices. */
  readonly cost: boolean;
  readonly compaction: boolean;
  /** The session can be confined to a list of tools. */
  readonly allowedTools: boolean;
  readonly skills: boolean;
  /** `"native"`: the CLI is given the schema; `"prompted"`: the core asks for it in words. Both are validated. */
  readonly structuredOutput: "native" | "prompted";
  /** The levels of `thinking` that can be asked for, lowest first. Empty: none. */
  readonly thinking: readonly string[];
  /** The agent's own modes of work that a session can be started in, for example `plan`. */
  readonly agentModes: readonly string[];
  /** Whether `models()` asks the CLI or gives the documented list; `"none"`: nothing is known. */
  readonly models: "cli" | "documented" | "none";
}

/** A model that an agent can be used with. */
export interface ModelInfo {
  /** What `model` takes. */
  readonly id: string;
  readonly name?: string;
  readonly isDefault?: boolean;
}

/** Instructions for a kind of task, which the agent takes up when it needs them. */
export interface Skill {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** Contents by path below the skill's folder; `SKILL.md` must be among them. */
  readonly files: { readonly [path: string]: string | Uint8Array };
}

/** How the CLI is found in a sandbox, and which npm package brings it. */
export interface CliRecipe {
  /** Looked up on the sandbox's PATH. */
  readonly command: string;
  /** The npm package that brings it; empty where none does. */
  readonly package: string;
  /** The exact version this backend was tested with. */
  readonly version: string;
  /** Arguments that print the version and exit with 0. */
  readonly versionArguments: readonly string[];
  /**
   * After an installation: paths below `node_modules`, the first that exists is run. Native binaries stand before
   * launchers, which cost time and do not pass signals on.
   */
  readonly executables: readonly string[];
  /** The lowest major version of Node that the CLI runs on; absent where it needs none. */
  readonly nodeMajor?: number;
}

/** Environment variables that carry a credential. */
export interface CredentialRecipe {
  /** One whole set of these must be given, for example `[["API_KEY"], ["REGION", "TOKEN"]]`. Empty: none is needed. */
  readonly anyOf: readonly (readonly string[])[];
  /** Taken over from the host's environment when neither box, session nor backend sets them. */
  readonly forwarded: readonly string[];
  /** Values of these are removed from every event, error and log. */
  readonly secret: readonly string[];
}

/**
 * An MCP server that a session is to use: a program that is started inside the sandbox, or an address that is reached
 * from there. Values of `env` and `headers` whose names speak of a secret are removed from all output.
 *
 * @example
 * { type: "stdio", command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "/workspace"] }
 */
export type McpServerSpec =
  | {
      readonly type: "stdio";
      readonly command: string;
      readonly args?: readonly string[];
      readonly env?: Environment;
    }
  | { readonly type: "http"; readonly url: string; readonly headers?: { readonly [name: string]: string } };

/** MCP servers by the name under which the agent shows their tools. */
export type McpServers = { readonly [name: string]: McpServerSpec };

/**
 * Text that is added to the agent's own system prompt, or that stands in its place. What an agent cannot take is refused;
 * its capabilities say which.
 */
export type SystemPrompt = { readonly append: string } | { readonly replace: string };

/** What a session is, as far as its backend needs to know. It does not change between the session's processes. */
export interface AgentSessionInput {
  /** The library's id for the session, a UUID. */
  readonly sessionId: string;
  /** Absolute path inside the sandbox. */
  readonly cwd: string;
  /** A folder inside the sandbox that is the backend's own and lasts as long as the sandbox. It exists. */
  readonly stateDirectory: string;
  readonly permissions: PermissionMode;
  readonly systemPrompt?: SystemPrompt;
  readonly mcpServers: McpServers;
  /** Whether the host answers questions; without it the agent should not be offered to ask any. */
  readonly answersQuestions: boolean;
  /** The only tools the agent may use, by its own names. Absent: all it has. */
  readonly allowedTools?: readonly string[];
  readonly skills?: readonly Skill[];
  /** One of the capability's levels. */
  readonly thinking?: string;
  /** One of the capability's modes. */
  readonly agentMode?: string;
  readonly libraryVersion: string;
}

/** What a backend makes the arguments, environment and files of one process from. */
export interface LaunchInput extends AgentSessionInput {
  /** The executable that was found or installed; ignored by a backend that was given its own `command`. */
  readonly executable: string;
  /** The environment so far: box, session, backend and credentials. */
  readonly env: Environment;
  readonly model?: string;
  /** A native session to take up. */
  readonly resume?: NativeSession;
  /** In mode `"turn"`: the turn the process is for. */
  readonly turn?: TurnInput;
}

/** A session by the id that the CLI itself gave it, to be continued, or, with `fork`, to be copied and continued as another. */
export interface NativeSession {
  readonly nativeSessionId: string;
  readonly fork: boolean;
}

/** A file that a CLI needs before it starts, for example its settings. */
export interface LaunchFile {
  /** Absolute path inside the sandbox. */
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Permission bits; default 0o600. */
  readonly mode?: number;
}

/** How to start the CLI once. */
export interface Launch {
  readonly argv: readonly [string, ...string[]];
  /** Added to the environment of `LaunchInput`. Secrets go here or into files, never into `argv`. */
  readonly env: Environment;
  /** Written before the process starts. */
  readonly files: readonly LaunchFile[];
}

/** What a protocol is made with, once for a session. */
export interface ProtocolInput extends AgentSessionInput {
  readonly model?: string;
}

/** One prompt, as the agent is to get it. */
export interface TurnInput {
  readonly turnId: string;
  readonly content: readonly AgentContentPart[];
  /** A JSON Schema that the turn's `output` must follow. Only where `structuredOutput` is `"native"`. */
  readonly outputSchema?: JsonObject;
}

/** The host's answer to `permission.requested` or `question.requested`. */
export type HostAnswer =
  | {
      readonly type: "permission";
      readonly requestId: string;
      readonly outcome: "allow";
      readonly updatedInput?: JsonObject;
      readonly remember?: boolean;
    }
  | {
      readonly type: "permission";
      readonly requestId: string;
      readonly outcome: "deny";
      readonly message: string;
    }
  /** Without `answers` the host declines. */
  | { readonly type: "question"; readonly requestId: string; readonly answers?: QuestionAnswers };

/** Something the host wants of a running session; answered by `Step.responses`. */
export type HostRequest = { readonly id: string } & (
  | { readonly type: "set_model"; readonly model: string }
  | { readonly type: "steer"; readonly content: readonly AgentContentPart[] }
  /** Only where the capability `models` is `"cli"`. */
  | { readonly type: "list_models" }
);

/** The answer to a `HostRequest`, by its id. */
export interface HostResponse {
  readonly id: string;
  /** Absent on success. */
  readonly error?: string;
  /** The answer to `list_models`. */
  readonly models?: readonly ModelInfo[];
}

/** How a process of the CLI ended. */
export interface AgentExit extends ProcessExit {
  /** The last part of its standard error, at most 8 KiB, secrets removed. */
  readonly stderr: string;
}

/** What follows from one input to the state machine. Every member may be absent. */
export interface Step {
  /** The parsed object of the line, for hosts that asked for `includeRaw`. */
  readonly raw?: unknown;
  /** The core takes the objects over: they may not be used again. */
  readonly events?: readonly AgentEventBody[];
  /** The events belong to no turn, for example late lines of one that has ended. */
  readonly background?: boolean;
  /** Lines for the CLI's standard input, without the line end. */
  readonly write?: readonly string[];
  readonly closeStdin?: boolean;
  /** Calls `tick()` after this time, replacing a tick asked for before; 0 cancels it. */
  readonly wakeAfterMs?: number;
  /** The handshake is complete: prompts may be sent. */
  readonly ready?: boolean;
  /** The session cannot start, and why. Only before `ready`. */
  readonly startError?: TurnErrorInfo;
  /** The native session to resume is not there: the core starts a fresh one and sends the prompt again. */
  readonly resumeLost?: boolean;
  /** The id the CLI itself echoed. */
  readonly nativeSessionId?: string;
  readonly responses?: readonly HostResponse[];
}

/**
 * One agent session's conversation with its CLI, without any I/O: inputs go in by method calls, and each returns what
 * is to be done. The instance lives as long as the session: in mode `"turn"`, and after a crash, `open` is called
 * anew for each process.
 *
 * Rules for implementations:
 * - Nothing throws, whatever the line holds. What is not understood becomes `agent.unparsed` or `agent.unknown`.
 * - Every call to `prompt` is followed, sooner or later, by exactly one terminal event (`turn.completed`,
 *   `turn.failed`, `turn.interrupted`), at the latest in the step that `end` returns.
 * - A request that the agent withdraws, a question too, is told by `permission.resolved`.
 * - The core closes messages, reasoning and tool calls which are still open when the turn ends, fills in `text`,
 *   `durationMs` and `usage`, and drops a second terminal event. It adds missing `*.started` events.
 */
export interface AgentProtocol {
  /** A process was started, with or without a native session to resume. */
  open(start: { readonly resume?: NativeSession }): Step;
  prompt(turn: TurnInput): Step;
  /** One line of standard output, without the line end. Never empty. */
  push(line: string): Step;
  /** Answers a request that is still open. */
  reply(answer: HostAnswer): Step;
  /** Asks the CLI to stop the running turn. Without `write` and `closeStdin` the core signals the process instead. */
  interrupt(): Step;
  /** Absent where the backend can do none of the requests. */
  request?(request: HostRequest): Step;
  tick(): Step;
  /** The process ended; everything it printed was pushed before. */
  end(exit: AgentExit): Step;
}

/** An adapter for one agent CLI: a pure description and a pure state machine. */
export interface AgentBackend {
  /** For example `claude`. */
  readonly name: string;
  readonly mode: ProcessMode;
  readonly capabilities: BackendCapabilities;
  /**
   * Why the declared abilities were not shown on the real CLI, as one sentence for people: they are then those its
   * documentation tells of. Absent where the conformance suite was run on it.
   */
  readonly unverified?: string;
  /**
   * The command of a call that the CLI was told to stop right after the call had begun may run on when the turn has ended.
   * After such an interruption the core ends the CLI's process, with all it started, and the next turn takes the session
   * up in a new one. Default `false`.
   */
  readonly startsStoppedCalls?: boolean;
  readonly cli: CliRecipe;
  readonly credentials: CredentialRecipe;
  /** The backend's own model option. */
  readonly model?: string;
  /** The models that the CLI's documentation names. */
  readonly documentedModels?: readonly ModelInfo[];
  /**
   * Why the CLI cannot know this model, or `undefined` when it may. Asked before anything starts; `env` is what the
   * CLI would run with.
   */
  modelProblem?(model: string, env: Environment): string | undefined;
  /** The backend's own environment option. */
  readonly env: Environment;
  /** Set when the caller named the executable: nothing is looked up or installed. */
  readonly command?: readonly [string, ...string[]];
  /** `false`: a missing CLI is an error instead of being installed. */
  readonly install: boolean;
  launch(input: LaunchInput): Launch;
  protocol(input: ProtocolInput): AgentProtocol;
}

/** Options every backend factory takes. */
export interface BackendOptions {
  /** Model name as the CLI knows it; default: the CLI's own default. */
  readonly model?: string;
  /** Added to the environment of the CLI's process. */
  readonly env?: Environment;
  /** Address of the model's API, instead of the vendor's. */
  readonly baseUrl?: string;
  /** Another executable, or an argv prefix. Default: looked up on PATH, else installed. */
  readonly command?: string | readonly [string, ...string[]];
  /** Default `"session"`. */
  readonly mode?: ProcessMode;
  /** Further arguments, put after the library's own. */
  readonly extraArgs?: readonly string[];
  /** Whether a missing CLI is installed into the sandbox from npm. Default `true`. */
  readonly install?: boolean;
}

import type { AgentBackend, AgentProtocol, BackendCapabilities, ProcessMode, Step } from "../spec/backend.ts";
import { isJsonObject } from "../kit/json.ts";
import {
  isEnvironment,
  isOneOf,
  isString,
  type OptionCheck,
  validateOptions,
} from "../kit/validate-options.ts";
import type { JsonObject } from "../spec/json.ts";
import type { MemoryProgram, MemoryProcess } from "./memory-sandbox.ts";
import { parseScriptedLine, type ScriptedLine } from "./scripted-line.ts";

export type { ScriptedLine } from "./scripted-line.ts";

/** A line that a scripted agent receives. */
export type ScriptedInput =
  | { readonly type: "open"; readonly resume?: string }
  | {
      readonly type: "prompt";
      readonly turnId: string;
      readonly text: string;
      readonly outputSchema?: JsonObject;
    }
  | { readonly type: "interrupt" }
  /** The time that the agent asked for with `wakeAfterMs` has passed. */
  | { readonly type: "tick" }
  | { readonly type: "reply"; readonly answer: unknown }
  | { readonly type: "request"; readonly request: { readonly id: string; readonly type: string } };

/** What a scripted agent says of itself. */
export interface ScriptedBackendOptions {
  readonly name?: string;
  readonly mode?: ProcessMode;
  /** Changes to the capabilities; by default it can do everything. */
  readonly capabilities?: Partial<BackendCapabilities>;
  /** Sets the credentials that it asks for, for tests of missing ones. */
  readonly credentials?: AgentBackend["credentials"];
  /** The backend's own environment option. */
  readonly env?: AgentBackend["env"];
}

const isObject: OptionCheck = (value) => (isJsonObject(value) ? undefined : "an object");

/** @internal */
export const scriptedBackendChecks: {
  readonly [Name in keyof Required<ScriptedBackendOptions>]: OptionCheck;
} = {
  name: isString,
  mode: isOneOf("session", "turn"),
  capabilities: isObject,
  credentials: isObject,
  env: isEnvironment,
};

const everything: BackendCapabilities = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: true,
  questions: true,
  steering: true,
  interrupt: "protocol",
  images: true,
  mcpServers: ["stdio", "http"],
  systemPrompt: ["append", "replace"],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  cost: true,
  compaction: true,
  allowedTools: true,
  skills: true,
  structuredOutput: "native",
  thinking: ["low", "high"],
  agentModes: ["plan"],
  models: "cli",
};

/**
 * A backend whose CLI speaks the library's own steps, one JSON object a line: tests say exactly what the agent does,
 * and everything between the process and the host program is the real thing. Its program is named `scripted-agent`.
 */
export function scriptedBackend(options: ScriptedBackendOptions = {}): AgentBackend {
  validateOptions("scriptedBackend()", options, scriptedBackendChecks);
  return {
    name: options.name ?? "scripted",
    mode: options.mode ?? "session",
    capabilities: { ...everything, ...options.capabilities },
    cli: {
      command: "scripted-agent",
      package: "scripted-agent",
      version: "1.0.0",
      versionArguments: ["--version"],
      executables: [],
    },
    credentials: options.credentials ?? { anyOf: [], forwarded: [], secret: [] },
    env: options.env ?? {},
    install: true,
    launch: (input) => ({
      argv: [input.executable],
      env: input.model === undefined ? {} : { SCRIPTED_MODEL: input.model },
      files: [],
    }),
    protocol: () => new ScriptedProtocol(options.capabilities?.interrupt !== "signal"),
  };
}

class ScriptedProtocol implements AgentProtocol {
  readonly #canInterrupt: boolean;

  constructor(canInterrupt: boolean) {
    this.#canInterrupt = canInterrupt;
  }

  open(start: Parameters<AgentProtocol["open"]>[0]): Step {
    return send({ type: "open", ...(start.resume && { resume: start.resume.nativeSessionId }) });
  }

  prompt(turn: Parameters<AgentProtocol["prompt"]>[0]): Step {
    const text = turn.content.map((part) => (part.type === "text" ? part.text : part.mediaType)).join("\n");
    const { turnId, outputSchema } = turn;
    return send({ type: "prompt", turnId, text, ...(outputSchema && { outputSchema }) });
  }

  push(line: string): Step {
    return parseScriptedLine(line);
  }

  reply(answer: Parameters<AgentProtocol["reply"]>[0]): Step {
    return send({ type: "reply", answer });
  }

  interrupt(): Step {
    return this.#canInterrupt ? send({ type: "interrupt" }) : {};
  }

  request(request: Parameters<NonNullable<AgentProtocol["request"]>>[0]): Step {
    return send({ type: "request", request });
  }

  tick(): Step {
    return send({ type: "tick" });
  }

  end(): Step {
    return {};
  }
}

function send(input: ScriptedInput): Step {
  return { write: [JSON.stringify(input)] };
}

/** A scripted agent's side of the conversation. */
export interface ScriptedAgent {
  readonly process: MemoryProcess;
  /** Prints one step. */
  readonly say: (line: ScriptedLine) => Promise<void>;
}

/**
 * Makes the program of a scripted agent from a function that is called with each input. The handshake is answered by
 * itself; a handler that wants to answer it otherwise handles `"open"` and returns `true`. The agent ends with its
 * input, or with the exit code that a handler returns.
 *
 * @example
 * ```ts
 * const program = scriptedAgent(async (input, { say }) => {
 *   if (input.type === "prompt") await say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
 * });
 * const sandbox = memorySandbox({ programs: { "scripted-agent": program } });
 * ```
 */
export function scriptedAgent(
  handle: (input: ScriptedInput, agent: ScriptedAgent) => Promise<number | boolean | void>,
): MemoryProgram {
  return async (process) => {
    const agent: ScriptedAgent = {
      process,
      say: (line) => process.write(`${JSON.stringify(line)}\n`),
    };
    // Handlers run side by side: an interrupt must reach an agent whose answer to a prompt goes on.
    let settle: (code: number) => void = () => undefined;
    const exit = new Promise<number>((resolve) => {
      settle = resolve;
    });
    const run = async (input: ScriptedInput): Promise<void> => {
      try {
        const result = await handle(input, agent);
        if (typeof result === "number") settle(result);
        else if (input.type === "open" && result !== true) {
          await agent.say({ ready: true, nativeSessionId: input.resume ?? "native-1" });
        }
      } catch {
        // Its output was closed, or the handler failed as a crashing agent does.
        settle(1);
      }
    };
    void (async () => {
      let rest = "";
      const decoder = new TextDecoder();
      for await (const chunk of process.stdin) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) void run(JSON.parse(line) as ScriptedInput);
      }
      settle(0);
    })().catch(() => {
      settle(1);
    });
    return exit;
  };
}

import * as kit from "playpen/kit";

export type ShortPiOptions = { readonly baseUrl: string; readonly model: string; readonly command?: string };

/** Pi over its RPC mode: what it does by itself, and nothing that would have to be asked for. */
export function shortPi(options: ShortPiOptions): kit.AgentBackend {
  return {
    ...{ name: "short-pi", mode: "session", capabilities, cli, model: options.model, env: {}, install: true },
    // The file that Pi reads names the variable: the key itself stands in no file and no argument.
    credentials: { anyOf: [["PI_KEY"]], forwarded: ["PI_KEY"], secret: ["PI_KEY"] },
    ...(options.command === undefined ? {} : { command: [options.command] }),
    launch: (input) => launch(input, options),
    protocol: ({ cwd }) => new ShortPi(cwd),
  };
}

const cli: kit.CliRecipe = {
  ...{ command: "pi", package: "@mariozechner/pi-coding-agent", version: "0.73.1" },
  ...{ versionArguments: ["--version"], executables: [".bin/pi"] },
};

const capabilities: kit.BackendCapabilities = {
  ...{ permissions: ["allow-all"], interrupt: "protocol", textDeltas: true, usage: true, models: "none" },
  ...{ resume: false, fork: false, updatedInput: false, questions: false, steering: false, images: false },
  ...{ mcpServers: [], systemPrompt: [], setModel: false, reasoning: false, cost: false, compaction: false },
  ...{ allowedTools: false, skills: false, structuredOutput: "prompted", thinking: [], agentModes: [] },
};

function launch(input: kit.LaunchInput, { baseUrl, command, model }: ShortPiOptions): kit.Launch {
  const folder = `${input.stateDirectory}/${input.sessionId}`;
  const chosen = input.model ?? model;
  const own = { baseUrl, api: "openai-completions", apiKey: "PI_KEY", models: [{ id: chosen }] };
  const flags = ["--mode", "rpc", "--no-session", "--provider", "own", "--model", chosen];
  return {
    argv: [command ?? input.executable, ...flags],
    env: { PI_CODING_AGENT_DIR: folder, PI_OFFLINE: "1" },
    files: [
      { path: `${folder}/models.json`, content: JSON.stringify({ providers: { own } }) },
      // With retries of its own, `agent_end` would not be the end.
      { path: `${folder}/settings.json`, content: JSON.stringify({ retry: { enabled: false } }) },
    ],
  };
}

const noUsage: kit.Usage = { inputTokens: 0, outputTokens: 0 };
const quiet = new Set<unknown>(["agent_start", "turn_start", "turn_end", "tool_execution_update"]);

class ShortPi implements kit.AgentProtocol {
  #messages = 0;
  #isReady = false;
  #isRunning = false;
  #isInterrupted = false;
  #usage: kit.Usage = noUsage;
  #error: kit.TurnErrorInfo | undefined;
  readonly #cwd: string;

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  open(): kit.Step {
    return { write: [JSON.stringify({ id: "open", type: "get_state" })] };
  }

  prompt({ content }: kit.TurnInput): kit.Step {
    [this.#isRunning, this.#isInterrupted, this.#usage, this.#error] = [true, false, noUsage, undefined];
    const message = content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
    return { write: [JSON.stringify({ type: "prompt", message })] };
  }

  push(line: string): kit.Step {
    const raw = kit.parseJson(line);
    if (kit.isJsonObject(raw)) return { raw, ...this.#read(raw) };
    const bytes = Buffer.byteLength(line);
    return { events: [{ type: "agent.unparsed", line, bytes, truncated: false }] };
  }

  interrupt(): kit.Step {
    this.#isInterrupted = true;
    return { write: [JSON.stringify({ type: "abort" })] };
  }

  readonly reply = (): kit.Step => ({});
  readonly tick = (): kit.Step => ({});

  end(exit: kit.AgentExit): kit.Step {
    const error = kit.exitedFailure("Pi", exit);
    if (!this.#isReady) return { startError: { ...error, code: "session_start_failed" } };
    return this.#isRunning ? this.#end({ type: "turn.failed", error }) : {};
  }

  #end(event: kit.AgentEventBody): kit.Step {
    this.#isRunning = false;
    return { events: [event] };
  }

  #read(line: kit.JsonObject): kit.Step {
    const toolCallId = kit.stringField(line, "toolCallId") ?? "";
    switch (line["type"]) {
      case "response": {
        const nativeSessionId = kit.stringField(kit.objectField(line, "data"), "sessionId");
        if (nativeSessionId === undefined) return {};
        this.#isReady = true;
        const started = { agent: "short-pi", cwd: this.#cwd, nativeSessionId, resumed: false };
        return { ready: true, nativeSessionId, events: [{ type: "session.started", ...started }] };
      }
      case "message_start":
        this.#messages += 1;
        return {};
      case "message_update": {
        const update = kit.objectField(line, "assistantMessageEvent");
        const text = kit.stringField(update, "delta");
        if (update["type"] !== "text_delta" || text === undefined) return {};
        return { events: [{ type: "message.delta", messageId: String(this.#messages), text }] };
      }
      case "message_end":
        return this.#messageEnd(kit.objectField(line, "message"));
      case "tool_execution_start": {
        const [name = "", input] = [kit.stringField(line, "toolName"), kit.objectField(line, "args")];
        const title = kit.stringField(input, "command") ?? name;
        const kind = name === "bash" ? "execute" : "other";
        return { events: [{ type: "tool.started", toolCallId, name, kind, title, input }] };
      }
      case "tool_execution_end": {
        const status = line["isError"] !== true ? "ok" : this.#isInterrupted ? "interrupted" : "error";
        const parts = kit.arrayField(kit.objectField(line, "result"), "content");
        const output = parts.map((part) => kit.stringField(part, "text") ?? "").join("");
        return { events: [{ type: "tool.completed", toolCallId, status, output }] };
      }
      case "agent_end":
        if (this.#isInterrupted) return this.#end({ type: "turn.interrupted", by: "host" });
        if (this.#error !== undefined) return this.#end({ type: "turn.failed", error: this.#error });
        return this.#end({ type: "turn.completed", stopReason: "end_turn" });
      default:
        return quiet.has(line["type"]) ? {} : { events: [{ type: "agent.unknown", raw: line }] };
    }
  }

  #messageEnd(message: kit.JsonObject): kit.Step {
    if (message["role"] !== "assistant") return {};
    const counted = kit.objectField(message, "usage");
    const inputTokens = this.#usage.inputTokens + (kit.numberField(counted, "input") ?? 0);
    const outputTokens = this.#usage.outputTokens + (kit.numberField(counted, "output") ?? 0);
    this.#usage = { inputTokens, outputTokens };
    const problem = kit.stringField(message, "errorMessage") ?? "The model failed.";
    this.#error = message["stopReason"] === "error" ? kit.modelFailure(problem) : undefined;
    return { events: [{ type: "usage.updated", usage: this.#usage }] };
  }
}

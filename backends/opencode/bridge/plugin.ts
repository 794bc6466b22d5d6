/** What the plugin is told, in its own source: it has no other way to be told anything before a session starts. */
export interface BridgeSettings {
  /** Written as soon as the plugin runs. */
  readonly readyFile: string;
  /** `ask`: each tool call is put to the host; otherwise it is decided in the plugin. */
  readonly permissions: "allow" | "deny" | "ask";
  /** The only tools that may be called. */
  readonly allowedTools?: readonly string[];
  /** The earlier session that is taken up, and the folder that it is to work in. */
  readonly takenUp?: { readonly sessionId: string; readonly cwd: string };
  /** Variables of OpenCode's own that the commands of the agent get with this value, or do not get at all. */
  readonly shellVariables: { readonly [name: string]: string | null };
}

/** Methods of the lines that the plugin writes, and the beginning of the ids of its requests. */
export const bridgeMethods = {
  hello: "_playpen/hello",
  event: "_playpen/event",
  prompt: "_playpen/prompt",
  permission: "_playpen/permission",
  question: "_playpen/question",
} as const;

export const bridgeRequestPrefix = "playpen:";

/**
 * The source of a plugin for OpenCode, which runs inside of it and writes lines among those of `opencode acp` and
 * `opencode run`. It tells what neither of them tells: text while it streams, tools of sub-agents, usage of each
 * request, retries, errors with their status, compaction, MCP servers that did not start. And it stops every tool
 * call until the host has decided on it: OpenCode's own permissions ask for no command without a program's name in it
 * (`>file`), and nobody hears what a sub-agent asks for.
 *
 * It is plain JavaScript for OpenCode's own runtime. It listens to standard input no earlier than it has something to
 * ask: `opencode acp` would lose what came before it listens itself.
 */
export function bridgePlugin(settings: BridgeSettings): string {
  return `${source}\nconst settings = ${JSON.stringify(settings)};\n`;
}

const source = String.raw`
import { realpathSync, writeFileSync } from "node:fs";

const write = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
const tell = (method, params) => write({ method, params });

const waiting = new Map();
let count = 0;
let isListening = false;

function listen() {
  if (isListening) return;
  isListening = true;
  const decoder = new TextDecoder();
  let rest = "";
  process.stdin.on("data", (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.includes('"${bridgeRequestPrefix}')) continue;
      let message;
      try {
        message = JSON.parse(line);
      } catch {
        continue;
      }
      const settle = waiting.get(message.id);
      waiting.delete(message.id);
      if (settle) settle(message.result ?? {});
    }
  });
}

function ask(method, params) {
  listen();
  const id = "${bridgeRequestPrefix}" + process.pid + "." + ++count;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    write({ id, method, params });
  });
}

/** Messages of agents, not of users. */
const assistants = new Set();
/** What was told of each call that runs. */
const told = new Map();
/** Calls that the host has allowed. */
const allowed = new Set();

/** The part without what was told before: a command's output comes whole, again and again. */
function toolPart({ id, messageID, sessionID, tool, callID, state }) {
  const part = { id, messageID, sessionID, type: "tool", tool, callID };
  if (state.status === "pending") return undefined;
  if (state.status !== "running") {
    told.delete(callID);
    const { status, input, output, error, metadata, title } = state;
    return { ...part, state: { status, input, output, error, metadata, title } };
  }
  const { status, input, metadata } = state;
  const output = typeof metadata?.output === "string" ? metadata.output : "";
  const known = told.get(callID);
  const child = metadata?.sessionId;
  const isLonger = output.startsWith(known?.output ?? "") && output.length > (known?.output.length ?? 0);
  if (known && known.child === child && !isLonger) return undefined;
  told.set(callID, { child, output: isLonger ? output : (known?.output ?? "") });
  const added = isLonger ? output.slice(known?.output.length ?? 0) : undefined;
  return { ...part, state: { status, input: known ? undefined : input, metadata: { sessionId: child }, added } };
}

function settled(part) {
  return part.type === "tool" && (part.state.status === "completed" || part.state.status === "error");
}

/** Without the headers and the body of the answer. */
function plainError(error) {
  if (!error) return undefined;
  const { message, statusCode, isRetryable, providerID } = error.data ?? {};
  return { name: error.name, data: { message, statusCode, isRetryable, providerID } };
}

function relevant(type, properties) {
  switch (type) {
    case "message.part.delta":
      return assistants.has(properties.messageID) ? properties : undefined;
    case "message.part.updated": {
      const { part } = properties;
      if (part.type === "compaction") return { part };
      if (!assistants.has(part.messageID)) return undefined;
      if (part.type === "tool") {
        const tool = toolPart(part);
        return tool && { part: tool };
      }
      return part.type === "text" || part.type === "reasoning" ? { part } : undefined;
    }
    case "message.updated": {
      const { info } = properties;
      if (info.role !== "assistant") return undefined;
      assistants.add(info.id);
      const { id, sessionID, summary, finish, error, tokens, cost, providerID, modelID } = info;
      return { info: { id, sessionID, summary, finish, error: plainError(error), tokens, cost, providerID, modelID } };
    }
    case "session.error":
      return { sessionID: properties.sessionID, error: plainError(properties.error) };
    case "session.idle":
    case "session.compacted":
    case "todo.updated":
      return properties;
    case "session.status": {
      const { sessionID, status } = properties;
      if (status.type !== "retry") return undefined;
      const { attempt, message, next } = status;
      return { sessionID, attempt, message, delayMs: Math.max(0, next - Date.now()) };
    }
    default:
      return undefined;
  }
}

function realPath(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

export const Playpen = async ({ client }) => {
  const post = (url, body) =>
    client._client.post({ url, body, headers: { "Content-Type": "application/json" } }).catch(() => {});
  let servers = "";

  async function answerQuestion({ id, sessionID, questions, tool }) {
    const { answers } = await ask("${bridgeMethods.question}", { sessionID, questions, callID: tool?.callID });
    if (answers) await post("/question/" + id + "/reply", { answers });
    else await post("/question/" + id + "/reject", {});
  }

  async function serversIfChanged() {
    const { data } = await client.mcp.status().catch(() => ({}));
    const status = JSON.stringify(data ?? {});
    if (status === servers) return undefined;
    servers = status;
    return data;
  }

  /** The folder that the session works in, where it is not the one that the host wants: OpenCode moves none. */
  async function otherFolder() {
    if (!settings.takenUp) return undefined;
    const { sessionId, cwd } = settings.takenUp;
    const { data } = await client.session.get({ path: { id: sessionId } }).catch(() => ({}));
    const folder = data?.directory;
    return folder && realPath(folder) !== realPath(cwd) ? folder : undefined;
  }

  writeFileSync(settings.readyFile, "");
  tell("${bridgeMethods.hello}", { version: 1 });
  return {
    event: async ({ event: { type, properties } }) => {
      if (type === "question.asked") void answerQuestion(properties);
      // The call itself was decided on before: what OpenCode asks beside that has its answer.
      if (type === "permission.asked") {
        const isAllowed = settings.permissions === "allow" || allowed.has(properties.tool?.callID);
        await post("/permission/" + properties.id + "/reply", { reply: isAllowed ? "once" : "reject" });
      }
      if (type === "message.part.updated" && settled(properties.part)) allowed.delete(properties.part.callID);
      const kept = relevant(type, properties);
      if (kept) tell("${bridgeMethods.event}", { type, properties: kept });
    },
    "chat.message": async ({ sessionID }) => {
      const elsewhere = await otherFolder();
      tell("${bridgeMethods.prompt}", { sessionID, servers: await serversIfChanged(), elsewhere });
      if (elsewhere) throw new Error("The session belongs to the folder " + elsewhere + ".");
    },
    "shell.env": async (_input, output) => {
      for (const [name, value] of Object.entries(settings.shellVariables)) output.env[name] = value ?? undefined;
    },
    "tool.execute.before": async ({ tool, sessionID, callID }, output) => {
      if (settings.allowedTools && !settings.allowedTools.includes(tool)) {
        throw new Error("The tool " + tool + " may not be used in this session.");
      }
      if (settings.permissions === "deny") throw new Error("No tool may be used in this session.");
      // A question is put to the host as what it is.
      if (settings.permissions === "allow" || tool === "question") return;
      const answer = await ask("${bridgeMethods.permission}", { tool, sessionID, callID, args: output.args });
      if (answer.outcome !== "allow") throw new Error(answer.message ?? "The call was denied.");
      allowed.add(callID);
      if (!answer.args) return;
      for (const name of Object.keys(output.args)) delete output.args[name];
      Object.assign(output.args, answer.args);
    },
  };
};
`;

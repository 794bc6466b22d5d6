import type { JsonObject, McpServerSpec } from "../../src/kit.ts";

/** Not of a tool's name: Qwen Code makes a `_` of it where it names the tool, and leaves it in what it asks. */
export const serverMark = "·";

/** An MCP server behind the gate, in the form of Qwen Code's settings. */
export function gateServer(
  server: McpServerSpec,
  place: number,
  includedTools: readonly string[] | undefined,
  gatePath: string,
): JsonObject {
  const { env: ownEnv, ...rest } = server.type === "stdio" ? server : { ...server, env: {} };
  return {
    command: "node",
    args: [gatePath],
    // Addresses and headers may be secret, and arguments are public.
    env: {
      ...ownEnv,
      PLAYPEN_MCP_GATE: JSON.stringify({ ...rest, mark: serverMark.repeat(place), includedTools }),
    },
  };
}

/**
 * A program between Qwen Code and one MCP server. It has Qwen Code ask about each tool, those too that the server calls
 * read-only, and tell which one it asks about: what it asks has the tool's name in it and not the server's, which is
 * told by the number of marks behind the name. Behind the gate the names are the server's own again. Where rules of the
 * project would allow such tools unasked, nothing passes.
 */
export const mcpGate = String.raw`import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const { PLAYPEN_MCP_GATE, ...env } = process.env;
const { type, command, args = [], url, headers = {}, mark, includedTools } = JSON.parse(PLAYPEN_MCP_GATE);

function projectSettings() {
  try {
    return readFileSync(".qwen/settings.json", "utf8");
  } catch {
    return "{}";
  }
}

/** Whether a string in the value is a rule that holds for tools of MCP servers. */
function rulesMcp(value) {
  if (typeof value === "string") return /^\s*(?:mcp_|(?:m|mc|mcp)?\*)/.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(rulesMcp);
}

try {
  if (rulesMcp(JSON.parse(projectSettings()))) throw new Error("they have rules about tools of MCP servers");
} catch ({ message }) {
  console.error("The settings of the project keep MCP servers from being used: " + message + ".");
  process.exit(1);
}

function tellClient(message) {
  const { tools } = message.result ?? {};
  if (Array.isArray(tools)) {
    message.result.tools = tools
      .filter(({ name }) => includedTools?.includes(name) ?? true)
      .map((tool) => ({ ...tool, name: tool.name + mark, annotations: { ...tool.annotations, readOnlyHint: false } }));
  }
  process.stdout.write(JSON.stringify(message) + "\n");
}

function toServer(line) {
  const message = JSON.parse(line);
  if (message.method === "tools/call" && mark !== "" && message.params.name.endsWith(mark)) {
    message.params.name = message.params.name.slice(0, -mark.length);
  }
  return message;
}

const lines = (input) => createInterface({ input, crlfDelay: Infinity });

function overStdio() {
  const server = spawn(command, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  server.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  server.on("exit", (code) => process.exit(code ?? 1));
  server.stdin.on("error", () => {});
  lines(server.stdout).on("line", (line) => {
    try {
      tellClient(JSON.parse(line));
    } catch {
      console.error(line);
    }
  });
  lines(process.stdin)
    .on("line", (line) => server.stdin.write(JSON.stringify(toServer(line)) + "\n"))
    .on("close", () => server.stdin.end());
}

function overHttp() {
  let sessionId;
  async function send(message) {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        ...headers,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(sessionId && { "mcp-session-id": sessionId }),
      },
      body: JSON.stringify(message),
    });
    sessionId = response.headers.get("mcp-session-id") ?? sessionId;
    if (!response.ok) throw new Error("The MCP server answered with status " + response.status + ".");
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      for await (const data of serverSentEvents(response.body)) tellClient(JSON.parse(data));
      return;
    }
    const text = await response.text();
    for (const answer of text === "" ? [] : [JSON.parse(text)].flat()) tellClient(answer);
  }
  lines(process.stdin)
    .on("line", (line) => {
      const message = toServer(line);
      send(message).catch(({ message: reason }) => {
        if (message.id === undefined) return;
        tellClient({ jsonrpc: "2.0", id: message.id, error: { code: -32603, message: reason } });
      });
    })
    .on("close", () => process.exit(0));
}

async function* serverSentEvents(body) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const events = (rest + decoder.decode(chunk, { stream: true }).replaceAll("\r", "")).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length > 0) yield data.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}

if (type === "http") overHttp();
else overStdio();
`;

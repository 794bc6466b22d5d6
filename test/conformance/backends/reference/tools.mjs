// The tools of the reference agent.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { createInterface } from "node:readline";

const text = { type: "string" };

export const ownTools = [
  { name: "shell", kind: "execute", parameters: { command: text } },
  { name: "write_file", kind: "edit", parameters: { file_path: text, content: text } },
  {
    name: "ask_user",
    kind: "other",
    parameters: { question: text, choices: { type: "array", items: text } },
  },
];

export function runShell({ command, cwd, signal }) {
  // A group of its own, so that an interrupt ends what the command has started.
  const child = spawn("/bin/sh", ["-c", command], { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal.addEventListener("abort", stop);
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  return once(child, "close").then(([exitCode]) => {
    signal.removeEventListener("abort", stop);
    return { output, exitCode, status: exitCode === 0 ? "ok" : "error" };
  });
}

export async function runWrite({ path, content, cwd }) {
  const file = isAbsolute(path) ? path : join(cwd, path);
  await writeFile(file, content);
  return { output: `Wrote ${file}.`, status: "ok", file };
}

/** A connection to an MCP server over standard input and output. */
export class McpServer {
  #child;
  #waiting = new Map();
  #ids = 0;

  constructor(name, { command, args = [], env = {} }) {
    this.name = name;
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const { id, result } = JSON.parse(line);
      this.#waiting.get(id)?.(result);
    });
  }

  async tools() {
    await this.#ask("initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "reference", version: "1" },
    });
    const { tools } = await this.#ask("tools/list", {});
    return tools.map(({ name, inputSchema }) => ({
      name: `${this.name}__${name}`,
      kind: "mcp",
      parameters: inputSchema.properties,
      call: async (input) => {
        const { content } = await this.#ask("tools/call", { name, arguments: input });
        return { output: content.map((part) => part.text).join(""), status: "ok" };
      },
    }));
  }

  close() {
    this.#child.kill();
  }

  #ask(method, params) {
    const id = ++this.#ids;
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

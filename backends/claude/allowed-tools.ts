import type { McpServers } from "../../src/kit.ts";
import { answerToolName } from "./answer-schema.ts";
import { toolName } from "./tools.ts";

/** The tools that a session is confined to, where it is. */
export class AllowedTools {
  readonly #names: ReadonlySet<string> | undefined;
  /** Longest first: one server's name may be the beginning of another's. */
  readonly #servers: readonly string[];

  constructor(names: readonly string[] | undefined, servers: McpServers) {
    this.#names = names && new Set(names.map(toolName));
    this.#servers = Object.keys(servers).sort((left, right) => right.length - left.length);
  }

  get isConfined(): boolean {
    return this.#names !== undefined;
  }

  /** Whether the agent may use this tool. A server's name alone stands for all its tools. */
  allows(name: string): boolean {
    if (this.#names === undefined || name === answerToolName || this.#names.has(toolName(name))) return true;
    const server = this.#servers.find((one) => name.startsWith(`${serverRule(one)}__`));
    return server !== undefined && this.#names.has(serverRule(server));
  }

  /** The names that the CLI's own tools do not have. Those of MCP servers may be yet to come. */
  unknown(offered: readonly string[]): readonly string[] {
    return [...(this.#names ?? [])].filter((name) => !name.startsWith("mcp__") && !offered.includes(name));
  }

  /** Arguments by which the other tools are not even offered; that a call of theirs is refused is the desk's part. */
  get arguments(): readonly string[] {
    if (this.#names === undefined) return [];
    const names = [...this.#names];
    const own = names.filter((name) => !name.startsWith("mcp__"));
    const unnamed = this.#servers
      .map(serverRule)
      .filter((rule) => !names.some((name) => name.startsWith(rule)));
    return [`--tools=${own.join(",")}`, ...unnamed.map((rule) => `--disallowedTools=${rule}`)];
  }
}

/** The CLI's name for all tools of a server. */
function serverRule(server: string): string {
  return `mcp__${server}`;
}

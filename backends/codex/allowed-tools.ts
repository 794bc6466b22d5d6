import type { McpServers } from "../../src/kit.ts";

/** The names by which Codex's hooks see a tool, by the name that events and permissions show. */
const hookNames: { readonly [tool: string]: readonly string[] } = {
  shell: ["Bash"],
  // It goes by three names at once.
  apply_patch: ["apply_patch", "Edit", "Write"],
};

/** Newer models have these in a group, whose name then stands before theirs. */
const subAgentTools: ReadonlySet<string> = new Set([
  ...["spawn_agent", "wait_agent", "send_message", "followup_task", "interrupt_agent", "list_agents"],
  ...["send_input", "resume_agent", "close_agent", "wait"],
]);

/** The tools that a session is confined to. */
export class AllowedTools {
  readonly #names: ReadonlySet<string>;
  readonly #servers: readonly string[];

  constructor(names: readonly string[], servers: McpServers) {
    this.#names = new Set(names);
    this.#servers = Object.keys(servers);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Names that the hooks let through. */
  get hookNames(): readonly string[] {
    const servers = new Set(this.#servers.map(serverRule));
    return [...this.#names]
      .filter((name) => !servers.has(name) && name.length <= maxNameLength)
      .flatMap((name) => {
        if (Object.hasOwn(hookNames, name)) return hookNames[name] ?? [];
        return subAgentTools.has(name) ? [name, `collaboration${name}`] : [inHooks(name)];
      });
  }

  /** Beginnings of names that the hooks let through: those of servers whose tools are all allowed. */
  get hookPrefixes(): readonly string[] {
    const prefixes = this.#servers.map((server) => `${inHooks(serverRule(server))}__`);
    return this.#servers.flatMap((server, index) => {
      const prefix = prefixes[index] ?? "";
      // Where another server's name goes on behind it, the beginning is not one server's alone.
      const isOwn = !prefixes.some((other) => other !== prefix && other.startsWith(prefix));
      return this.#names.has(serverRule(server)) && isOwn ? [prefix] : [];
    });
  }

  /** The tools of a server that may be used; `undefined` for all. */
  toolsOf(server: string): readonly string[] | undefined {
    if (this.#names.has(serverRule(server))) return undefined;
    const prefix = `${serverRule(server)}__`;
    return [...this.#names].flatMap((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : []));
  }
}

/** A server's name alone, which stands for all its tools. */
function serverRule(server: string): string {
  return `mcp__${server}`;
}

/** Longer names Codex cuts, so that no tool bears one. */
const maxNameLength = 100;

/** Codex offers tools by names that are identifiers. */
function inHooks(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, "_");
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { otherThan, refusedTool, ToolGate, type GateInput } from "../../../../backends/codex/tool-gate.ts";
import { isJsonObject, type McpServers, type PermissionMode } from "../../../../src/kit.ts";
import { transcript } from "./transcripts.ts";

const mcpServers: McpServers = {
  echo: { type: "stdio", command: "server" },
  "my-files": { type: "stdio", command: "server" },
};

function gate(permissions: PermissionMode, allowedTools?: readonly string[]): ToolGate {
  const input: GateInput = {
    permissions,
    mcpServers,
    ...(allowedTools === undefined ? {} : { allowedTools }),
  };
  const found = ToolGate.of(input);
  if (found === undefined) throw new Error("There is no gate.");
  return found;
}

/** Whether the gate refuses tools of that name in Codex's hooks. */
function refuses(one: ToolGate, tool: string): boolean {
  const matcher = /"matcher":"([^"]+)"/.exec(JSON.stringify(one.setting))?.[1];
  return matcher === undefined || new RegExp(matcher).test(tool);
}

describe("otherThan", () => {
  const name = fc.stringMatching(/^[A-Za-z_]{1,8}$/);

  it("matches every name but those, and none that begins with a prefix", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { maxLength: 6 }),
        fc.uniqueArray(name, { maxLength: 3 }),
        fc.oneof(name, fc.string()),
        fc.nat(5),
        (names, prefixes, other, index) => {
          const pattern = new RegExp(otherThan(names, prefixes), "s");
          const candidates = [
            other,
            names[index] ?? "",
            `${prefixes[index] ?? ""}${other}`,
            `${names[index] ?? ""}${other}`,
            (names[index] ?? "x").slice(0, -1),
          ];
          for (const candidate of candidates) {
            const isExcepted =
              names.includes(candidate) || prefixes.some((prefix) => candidate.startsWith(prefix));
            expect(pattern.test(candidate)).toBe(!isExcepted);
          }
        },
      ),
    );
  });

  it("uses nothing that Codex's expressions do not have", () => {
    expect(otherThan(["Bash", "apply_patch"], ["mcp__"])).not.toMatch(/\(\?[=!<]/);
  });
});

describe("ToolGate", () => {
  /** The hook as Codex listed it when it was recorded. */
  function listedHook(scenario: string): object {
    for (const { call } of transcript(scenario).entries) {
      if (call.call !== "push") continue;
      const line: unknown = JSON.parse(call.line);
      const found = /"hooks":\[(\{.*?\})\],"warnings"/.exec(call.line)?.[1];
      if (isJsonObject(line) && found !== undefined) return JSON.parse(found) as object;
    }
    throw new Error(`${scenario} lists no hook.`);
  }

  it.each<[ToolGate, string]>([
    [gate("ask"), "permission-allow"],
    [gate("deny-all"), "deny-all"],
    [gate("allow-all", ["shell", "mcp__echo__echo"]), "allowed-tools"],
  ])("recognizes the hook that Codex listed (%#)", (one, scenario) => {
    const hook = listedHook(scenario);
    expect(one.isArmed(hook)).toBe(true);
    const others: object[] = [
      { enabled: false },
      { trustStatus: "untrusted" },
      { trustStatus: "modified" },
      { currentHash: "sha256:0" },
      { command: "true" },
      { matcher: "^Nothing$" },
      { eventName: "postToolUse" },
      { key: "/elsewhere/config.toml:pre_tool_use:0:0" },
    ];
    for (const change of others) expect(one.isArmed({ ...hook, ...change })).toBe(false);
    expect(gate("ask", ["shell"]).isArmed(hook)).toBe(false);
    for (const nothing of [undefined, null, "hook", {}]) expect(one.isArmed(nothing)).toBe(false);
  });

  it("is not there where every call of every tool is allowed", () => {
    expect(ToolGate.of({ permissions: "allow-all", mcpServers })).toBeUndefined();
  });

  it("lets shell, patches and MCP tools through to be asked for, and nothing else that does something", () => {
    for (const tool of [
      "Bash",
      "apply_patch",
      "Edit",
      "Write",
      "mcp__echo__echo",
      "update_plan",
      "request_user_input",
    ]) {
      expect(refuses(gate("ask"), tool)).toBe(false);
    }
    for (const tool of [
      "view_image",
      "read_mcp_resource",
      "list_mcp_resources",
      "spawn_agent",
      "collaborationspawn_agent",
      "clocksleep",
      "bash",
      "BashX",
      "Bas",
      "",
    ]) {
      expect(refuses(gate("ask"), tool)).toBe(true);
    }
  });

  it("lets only tools through that are allowed, by the names of events", () => {
    const one = gate("allow-all", ["shell", "view_image", "spawn_agent", "mcp__echo__echo", "mcp__my-files"]);
    for (const tool of [
      "Bash",
      "view_image",
      "spawn_agent",
      "collaborationspawn_agent",
      "mcp__echo__echo",
      "mcp__my_files__read",
      "mcp__my_files__write",
    ]) {
      expect(refuses(one, tool)).toBe(false);
    }
    for (const tool of [
      "apply_patch",
      "Write",
      "shell",
      "wait_agent",
      "mcp__echo__other",
      "mcp__echo__echo2",
      "mcp__echo",
      "mcp__my_files",
      "list_mcp_resources",
      "update_plan",
      "",
    ]) {
      expect(refuses(one, tool)).toBe(true);
    }
    for (const name of ["apply_patch", "Edit", "Write"]) {
      expect(refuses(gate("allow-all", ["apply_patch"]), name)).toBe(false);
    }
  });

  it("lets nothing through that could not be asked about, though it be allowed", () => {
    const one = gate("ask", ["shell", "view_image", "mcp__echo"]);
    expect(refuses(one, "Bash")).toBe(false);
    expect(refuses(one, "mcp__echo__echo")).toBe(false);
    expect(refuses(one, "view_image")).toBe(true);
    expect(refuses(one, "apply_patch")).toBe(true);
  });

  it("lets nothing through where all is denied, or nothing is named that could be", () => {
    expect(refuses(gate("deny-all", ["shell"]), "Bash")).toBe(true);
    for (const tool of ["Bash", "apply_patch", "mcp__echo__echo", "x", ""]) {
      expect(refuses(gate("allow-all", ["web_search"]), tool)).toBe(true);
    }
  });

  it("takes odd names for what they are: no patterns, and never a hole", () => {
    const one = gate("allow-all", ["a.*", "[^x]", "]", "mcp__", "Ba\\sh", "y".repeat(5000)]);
    for (const tool of ["ab", "Bash", "x", "mcp__echo__echo", "y"]) expect(refuses(one, tool)).toBe(true);
    expect(JSON.stringify(one.setting).length).toBeLessThan(2_000);
  });

  it("does not take the tools of one server for those of another", () => {
    const servers: McpServers = {
      a: { type: "stdio", command: "server" },
      a__b: { type: "stdio", command: "server" },
    };
    const one = ToolGate.of({ permissions: "allow-all", allowedTools: ["mcp__a"], mcpServers: servers });
    expect(one !== undefined && refuses(one, "mcp__a__b__tool")).toBe(true);
  });

  it("reads which tool was refused", () => {
    expect(refusedTool("playpen: not permitted in this session: view_image\n")).toBe("view_image");
    expect(refusedTool("another hook's words")).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { AllowedTools } from "../../../../backends/claude/allowed-tools.ts";
import { claude } from "../../../../backends/claude/index.ts";
import type { AgentProtocol, McpServers, PermissionMode } from "../../../../src/kit.ts";
import { lines, prompt, protocolInput, push, readyProtocol, written } from "./lines.ts";

const mcpServers: McpServers = {
  echo: { type: "stdio", command: "server" },
  echo__more: { type: "stdio", command: "server" },
  files: { type: "stdio", command: "server" },
};

describe("AllowedTools", () => {
  it("allows what is named, under either of a tool's names", () => {
    const allowed = new AllowedTools(["Bash", "Task", "mcp__echo__echo"], mcpServers);
    for (const name of ["Bash", "Agent", "Task", "mcp__echo__echo"]) expect(allowed.allows(name)).toBe(true);
    for (const name of ["Read", "bash", "mcp__echo__other", "mcp__echo", "mcp__files__read", ""]) {
      expect(allowed.allows(name)).toBe(false);
    }
  });

  it("allows all tools of a server that is named, and of no other", () => {
    const allowed = new AllowedTools(["mcp__echo"], mcpServers);
    expect(allowed.allows("mcp__echo__any")).toBe(true);
    expect(allowed.allows("mcp__echo__more__any")).toBe(false);
    expect(allowed.allows("mcp__unknown__any")).toBe(false);
  });

  it("lets the model answer by the CLI's own tool", () => {
    expect(new AllowedTools(["Read"], {}).allows("StructuredOutput")).toBe(true);
  });

  it("allows everything where nothing is said", () => {
    const allowed = new AllowedTools(undefined, mcpServers);
    expect(allowed.allows("Anything")).toBe(true);
    expect(allowed.arguments).toEqual([]);
    expect(allowed.unknown([])).toEqual([]);
  });

  it("keeps the other tools from being offered", () => {
    expect(new AllowedTools(["Bash", "Task", "mcp__echo__echo"], mcpServers).arguments).toEqual([
      "--tools=Bash,Agent",
      "--disallowedTools=mcp__echo__more",
      "--disallowedTools=mcp__files",
    ]);
    expect(new AllowedTools(["mcp__echo", "mcp__echo__more", "mcp__files"], mcpServers).arguments).toEqual([
      "--tools=",
    ]);
  });

  it("knows the names that are no tool's", () => {
    const allowed = new AllowedTools(["Bash", "bash", "mcp__late__tool"], mcpServers);
    expect(allowed.unknown(["Bash", "Read"])).toEqual(["bash"]);
  });
});

describe("a session that is confined to some tools", () => {
  const hook = (tool: string): string =>
    lines.request("h1", {
      subtype: "hook_callback",
      callback_id: "permission",
      tool_use_id: "call-1",
      input: { tool_name: tool },
    });
  const ask = (tool: string): string =>
    lines.request("r1", { subtype: "can_use_tool", tool_name: tool, input: {}, tool_use_id: "call-1" });
  const decision = (protocol: AgentProtocol, line: string): unknown => {
    const [answer] = written(protocol.push(line)) as [{ response: { response: unknown } }?];
    return answer?.response.response;
  };
  const running = (permissions: PermissionMode): AgentProtocol => {
    const protocol = readyProtocol({ permissions, allowedTools: ["Bash", "mcp__echo"], mcpServers });
    prompt(protocol);
    push(protocol, lines.init(), lines.echo(), lines.tool("m1", "call-1"));
    return protocol;
  };
  const hooked = (permissionDecision: string): object => ({ hookSpecificOutput: { permissionDecision } });

  it("has every call go through the hook, whatever the permissions", () => {
    const [line] = written(
      claude()
        .protocol({ ...protocolInput, allowedTools: ["Bash"] })
        .open({}),
    );
    expect(line).toMatchObject({ request: { hooks: { PreToolUse: [{ hookCallbackIds: ["permission"] }] } } });
  });

  it.each(["allow-all", "ask", "deny-all"] as const)("refuses other tools twice over: %s", (permissions) => {
    const protocol = running(permissions);
    for (const tool of ["Read", "mcp__files__read", "AskUserQuestion", ""]) {
      expect(decision(protocol, hook(tool))).toMatchObject(hooked("deny"));
      expect(decision(protocol, ask(tool))).toMatchObject({ behavior: "deny" });
    }
    const step = protocol.push(lines.toolResult("call-1", "No.", { is_error: true }));
    expect(step.events).toMatchObject([{ type: "tool.completed", status: "denied" }]);
  });

  it("allows the named tools where all calls are, and puts them to the host otherwise", () => {
    const free = running("allow-all");
    expect(decision(free, hook("Bash"))).toMatchObject(hooked("ask"));
    expect(decision(free, ask("Bash"))).toMatchObject({ behavior: "allow" });
    expect(decision(free, ask("mcp__echo__echo"))).toMatchObject({ behavior: "allow" });
    const asking = running("ask");
    expect(decision(asking, hook("Bash"))).toMatchObject(hooked("ask"));
    expect(asking.push(ask("Bash")).events).toMatchObject([{ type: "permission.requested" }]);
    expect(decision(running("deny-all"), hook("Bash"))).toMatchObject(hooked("deny"));
  });

  it("lets the model give its output in any case", () => {
    for (const permissions of ["allow-all", "ask", "deny-all"] as const) {
      const protocol = running(permissions);
      expect(decision(protocol, hook("StructuredOutput"))).toMatchObject(hooked("allow"));
      expect(decision(protocol, ask("StructuredOutput"))).toMatchObject({ behavior: "allow" });
    }
  });

  it("marks a call of a tool that the CLI does not offer as denied, and reports one that was made", () => {
    const protocol = running("allow-all");
    push(protocol, lines.tool("m2", "call-2", "Read"), lines.tool("m3", "call-3", "Read"));
    expect(
      protocol.push(lines.toolResult("call-2", "No such tool.", { is_error: true })).events,
    ).toMatchObject([{ status: "denied" }]);
    expect(protocol.push(lines.toolResult("call-3", "Text.")).events).toMatchObject([
      { type: "tool.completed", status: "ok" },
      { type: "agent.notice", level: "error", message: expect.stringContaining("Read") as string },
    ]);
  });
});

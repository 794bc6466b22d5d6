import { describe, expect, it } from "vitest";
import { compilePermissionPolicy } from "../../../src/permissions/permission-policy.ts";
import type { ToolKind, ToolRequest } from "../../../src/spec/events.ts";
import type { PermissionRules } from "../../../src/spec/permissions.ts";

const cwd = "/workspace";

function tool(name: string, kind: ToolKind, input: Record<string, unknown>): ToolRequest {
  return { name, kind, title: name, input };
}
const shell = (command: string): ToolRequest => tool("Bash", "execute", { command });
const read = (path: string): ToolRequest => tool("Read", "read", { file_path: path });

function verdict(rules: PermissionRules, request: ToolRequest): string {
  return compilePermissionPolicy(rules, () => "deny").evaluate(request, cwd);
}

describe("permission rules", () => {
  it.each([
    "touch x",
    "touch",
    "cd /tmp && touch x",
    "true;touch x",
    "echo $(touch x)",
    "echo `touch x`",
    "/usr/bin/touch x",
    "A=1 touch x",
    "sudo -n touch x",
    "env A=1 touch x",
    'bash -c "touch x"',
    "timeout 5 touch x",
    "\\touch x",
    "'touch' x",
    "ls | xargs touch",
    "find . -exec touch {} +",
    "if true; then touch x; fi",
    "ls\ntouch x",
  ])("deny `touch *` although the default allows: %s", (command) => {
    expect(verdict({ default: "allow", deny: ["Bash(touch *)"] }, shell(command))).toBe("deny");
  });

  it.each(["echo touch x", "ls", "cat touch.txt"])("leave other commands alone: %s", (command) => {
    expect(verdict({ default: "allow", deny: ["Bash(touch *)"] }, shell(command))).toBe("allow");
  });

  it.each([
    ["git status", "allow"],
    ["git log | head -5", "ask"],
    ["git log $(rm -rf .)", "ask"],
    ["git log && rm -rf .", "ask"],
    ["git log > /etc/passwd", "ask"],
    ["git log 2>&1 >/dev/null", "allow"],
    ["git log && npm test", "allow"],
    ["gitx", "ask"],
  ])("allow a command only when each part is allowed: %s → %s", (command, expected) => {
    expect(verdict({ allow: ["Bash(git *)", "execute(npm test)"], default: "ask" }, shell(command))).toBe(
      expected,
    );
  });

  it("let deny win over ask, and ask over allow", () => {
    const rules = { allow: ["*"], ask: ["execute"], deny: ["Bash(rm *)"] };
    expect(verdict(rules, shell("rm x"))).toBe("deny");
    expect(verdict(rules, shell("ls"))).toBe("ask");
    expect(verdict(rules, read("a"))).toBe("allow");
  });

  it.each(["/etc/passwd", "../etc/passwd", "/workspace/../etc/passwd", "a/../../etc/passwd"])(
    "see through the spelling of a path: %s",
    (path) => {
      expect(verdict({ default: "allow", deny: ["read(/etc/*)"] }, read(path))).toBe("deny");
    },
  );

  it("match relative patterns against absolute paths, and every file of an edit", () => {
    expect(verdict({ default: "deny", allow: ["read(src/*)"] }, read("/workspace/src/a.ts"))).toBe("allow");
    const edit = tool("apply_patch", "edit", { changes: { "src/a.ts": {}, "secret.env": {} } });
    expect(verdict({ default: "allow", deny: ["edit(*.env)"] }, edit)).toBe("deny");
    expect(verdict({ default: "deny", allow: ["edit(src/*)"] }, edit)).toBe("deny");
  });

  it("match names in any case, by kind and by wildcard", () => {
    const call = tool("mcp__github__create_issue", "mcp", {});
    expect(verdict({ default: "allow", deny: ["mcp__GitHub__*"] }, call)).toBe("deny");
    expect(verdict({ default: "allow", deny: ["mcp"] }, call)).toBe("deny");
  });

  it("default to deny without a handler and to ask with one", () => {
    expect(compilePermissionPolicy({ allow: ["Read"] }, undefined).evaluate(shell("ls"), cwd)).toBe("deny");
    expect(compilePermissionPolicy({ allow: ["Read"] }, () => "allow").evaluate(shell("ls"), cwd)).toBe(
      "ask",
    );
  });

  it.each([
    [{ ask: ["Bash"] }, /no onPermission handler/],
    [{ default: "ask" }, /no onPermission handler/],
    [{ deny: ["Bash("] }, /permissions\.deny.*received "Bash\("/s],
    [{ allow: [1] }, /permissions\.allow/],
    [{ allow: "Bash" }, /permissions\.allow: must be an array/],
    [{ denied: ["Bash"] }, /unknown member "denied"/],
    [{ default: "maybe" }, /permissions\.default/],
    ["allow", /must be "allow-all"/],
  ])("refuse %j at once", (policy, message) => {
    expect(() => compilePermissionPolicy(policy as PermissionRules, undefined)).toThrow(message);
  });
});

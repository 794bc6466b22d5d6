import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGateArmed, otherThan, refusedTool, toolGate } from "../../../../backends/codex/tool-gate.ts";
import { isJsonObject, type PermissionMode } from "../../../../src/kit.ts";
import { transcript } from "./transcripts.ts";

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

describe("toolGate", () => {
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

  it.each<[PermissionMode, string]>([
    ["ask", "permission-allow"],
    ["deny-all", "deny-all"],
  ])("recognizes the hook for %s", (mode, scenario) => {
    const hook = listedHook(scenario);
    expect(isGateArmed(mode, hook)).toBe(true);
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
    for (const change of others) expect(isGateArmed(mode, { ...hook, ...change })).toBe(false);
    expect(isGateArmed(mode === "ask" ? "deny-all" : "ask", hook)).toBe(false);
    for (const nothing of [undefined, null, "hook", {}]) expect(isGateArmed(mode, nothing)).toBe(false);
  });

  it("lets shell, patches and MCP tools through to be asked for, and nothing else that does something", () => {
    const matcher = /matcher":"([^"]+)"/.exec(JSON.stringify(toolGate("ask")))?.[1] ?? "";
    const pattern = new RegExp(matcher);
    for (const tool of [
      "Bash",
      "apply_patch",
      "Edit",
      "Write",
      "mcp__echo__echo",
      "update_plan",
      "request_user_input",
    ]) {
      expect(pattern.test(tool)).toBe(false);
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
      expect(pattern.test(tool)).toBe(true);
    }
  });

  it("reads which tool was refused", () => {
    expect(refusedTool("playpen: not permitted in this session: view_image\n")).toBe("view_image");
    expect(refusedTool("another hook's words")).toBeUndefined();
  });
});

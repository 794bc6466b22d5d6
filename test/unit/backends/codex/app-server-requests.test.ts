import { beforeEach, describe, expect, it } from "vitest";
import type { JsonObject, Step } from "../../../../src/kit.ts";
import { asking, sent, type Server } from "./server.ts";

describe("what Codex asks", () => {
  const command = (turnId = "one"): object => ({
    id: 3,
    method: "item/commandExecution/requestApproval",
    params: { threadId: "thread", turnId, itemId: "i", command: "/bin/bash -lc 'ls -l'", cwd: "/workspace" },
  });

  it("is put to the host, and answered once", () => {
    const server = asking();
    const { events } = server.line(command());
    expect(events).toEqual([
      {
        type: "permission.requested",
        requestId: "1.3",
        tool: {
          toolCallId: "i",
          name: "shell",
          kind: "execute",
          title: "ls -l",
          input: { command: "ls -l", cwd: "/workspace" },
        },
        canRemember: true,
      },
    ]);
    const answer = { type: "permission", requestId: "1.3", outcome: "allow" } as const;
    expect(sent(server.protocol.reply({ ...answer, remember: true }))).toEqual([
      { id: 3, result: { decision: "acceptForSession" } },
    ]);
    expect(server.protocol.reply(answer)).toEqual({});
  });

  it("is denied so that the turn goes on", () => {
    const server = asking();
    server.line(command());
    const answer = { type: "permission", requestId: "1.3", outcome: "deny", message: "No." } as const;
    expect(sent(server.protocol.reply(answer))).toEqual([{ id: 3, result: { decision: "decline" } }]);
  });

  it("is allowed without the host where every call is", () => {
    const step = asking("allow-all").line(command());
    expect(sent(step)).toEqual([{ id: 3, result: { decision: "accept" } }]);
    expect(step.events).toBeUndefined();
  });

  it("is denied for a turn that is over", () => {
    const server = asking();
    expect(sent(server.line(command("another")))).toEqual([{ id: 3, result: { decision: "decline" } }]);
    server.end("one", "completed");
    expect(sent(server.line(command()))).toEqual([{ id: 3, result: { decision: "decline" } }]);
  });

  it("may be taken back", () => {
    const server = asking();
    server.line(command());
    const step = server.notify("serverRequest/resolved", { threadId: "thread", requestId: 3 });
    expect(step.events).toEqual([
      { type: "permission.resolved", requestId: "1.3", outcome: "cancelled", by: "agent" },
    ]);
    const answer = { type: "permission", requestId: "1.3", outcome: "allow" } as const;
    expect(server.protocol.reply(answer)).toEqual({});
  });

  it("is declined for an input that only a person could give", () => {
    const params = {
      threadId: "thread",
      turnId: "one",
      serverName: "s",
      mode: "form",
      message: "Your name?",
    };
    const step = asking().line({ id: 4, method: "mcpServer/elicitation/request", params });
    expect(sent(step)).toEqual([{ id: 4, result: { action: "decline", content: null, _meta: null } }]);
    expect(step.events).toMatchObject([{ type: "agent.notice", level: "warning" }]);
  });

  it("grants wider permissions only as they were asked for", () => {
    const permissions = { network: { enabled: true }, fileSystem: null };
    const request = {
      id: 5,
      method: "item/permissions/requestApproval",
      params: { threadId: "thread", turnId: "one", itemId: "i", reason: "The network", permissions },
    };
    const server = asking();
    expect(server.line(request).events).toMatchObject([
      { type: "permission.requested", tool: { title: "The network" }, canRemember: false },
    ]);
    expect(sent(server.protocol.reply({ type: "permission", requestId: "1.5", outcome: "allow" }))).toEqual([
      { id: 5, result: { permissions, scope: "turn" } },
    ]);
    const other = asking();
    other.line(request);
    const deny = { type: "permission", requestId: "1.5", outcome: "deny", message: "" } as const;
    expect(sent(other.protocol.reply(deny))).toEqual([{ id: 5, result: { permissions: {}, scope: "turn" } }]);
  });
});

describe("what Codex tells of the session", () => {
  let server: Server;
  beforeEach(() => {
    server = asking("allow-all");
  });

  it("gives the title, the model and the level of thought when they change", () => {
    expect(server.notify("thread/name/updated", { threadId: "thread", threadName: "A fix" }).events).toEqual([
      { type: "session.updated", title: "A fix" },
    ]);
    const settings = { threadId: "thread", threadSettings: { model: "other", effort: "high" } };
    expect(server.notify("thread/settings/updated", settings).events).toEqual([
      { type: "session.updated", model: "other", thoughtLevel: "high" },
    ]);
    expect(server.notify("thread/settings/updated", settings).events).toBeUndefined();
    const rerouted = { threadId: "thread", turnId: "one", fromModel: "other", toModel: "third" };
    expect(server.notify("model/rerouted", rerouted).events).toMatchObject([
      { type: "session.updated", model: "third" },
      { type: "agent.notice", level: "warning" },
    ]);
  });

  it("tells rate limits when there is something new", () => {
    const limits = (usedPercent: number, reached: string | null): JsonObject => ({
      rateLimits: { primary: { usedPercent, windowDurationMins: 300 }, rateLimitReachedType: reached },
    });
    const told = (step: Step): unknown => step.events;
    expect(
      told(server.notify("account/rateLimits/updated", { rateLimits: { primary: null } })),
    ).toBeUndefined();
    expect(told(server.notify("account/rateLimits/updated", limits(40, null)))).toEqual([
      {
        type: "agent.notice",
        level: "info",
        message: "Rate limits: 40 % of the 300 minutes' limit is used.",
      },
    ]);
    expect(told(server.notify("account/rateLimits/updated", limits(40, null)))).toBeUndefined();
    expect(told(server.notify("account/rateLimits/updated", limits(100, "primary")))).toMatchObject([
      { level: "warning" },
    ]);
  });

  it("passes on warnings and what became of MCP servers", () => {
    const warning = server.notify("configWarning", { summary: "Odd setting", details: "x = 1" });
    expect(warning.events).toEqual([
      { type: "agent.notice", level: "warning", message: "Odd setting: x = 1" },
    ]);
    server.notify("mcpServer/startupStatus/updated", { name: "a", status: "ready" });
    const failed = server.notify("mcpServer/startupStatus/updated", {
      name: "b",
      status: "failed",
      error: "gone",
    });
    expect(failed.events).toEqual([
      {
        type: "session.updated",
        mcpServers: [
          { name: "a", status: "connected" },
          { name: "b", status: "failed", message: "gone" },
        ],
      },
    ]);
  });

  it("tells of compaction, searches and items that it does not know", () => {
    const item = (type: string, more: JsonObject = {}): Step =>
      server.notify("item/completed", {
        threadId: "thread",
        turnId: "one",
        item: { type, id: type, ...more },
      });
    expect(item("contextCompaction").events).toEqual([{ type: "context.compacted", trigger: "auto" }]);
    expect(item("webSearch", { query: "news" }).events).toMatchObject([
      { type: "tool.started", name: "web_search", kind: "search", title: "news" },
      { type: "tool.completed", status: "ok" },
    ]);
    expect(item("newThing").events).toMatchObject([{ type: "agent.unknown", raw: { type: "newThing" } }]);
  });

  it("names the window of the model beside the usage", () => {
    const counts = { inputTokens: 10, cachedInputTokens: 4, outputTokens: 2, reasoningOutputTokens: 1 };
    const tokenUsage = { total: counts, last: counts, modelContextWindow: 1000 };
    const step = server.notify("thread/tokenUsage/updated", {
      threadId: "thread",
      turnId: "one",
      tokenUsage,
    });
    expect(step.events).toEqual([
      {
        type: "usage.updated",
        usage: {
          inputTokens: 6,
          outputTokens: 2,
          cacheReadTokens: 4,
          cacheWriteTokens: 0,
          reasoningTokens: 1,
        },
        contextWindow: 1000,
      },
    ]);
  });

  it("ends only the commands of the interrupted turn", () => {
    const command = { type: "commandExecution", id: "own", command: "sleep 9" };
    server.notify("item/started", { threadId: "thread", turnId: "one", item: command });
    server.protocol.interrupt();
    const [list] = sent(server.end("one", "interrupted"));
    expect(list).toMatchObject({ method: "thread/backgroundTerminals/list" });
    const data = [
      { itemId: "older", processId: "1" },
      { itemId: "own", processId: "2" },
    ];
    expect(sent(server.line({ id: list?.id, result: { data } }))).toMatchObject([
      { method: "thread/backgroundTerminals/terminate", params: { processId: "2" } },
    ]);
    const late = { threadId: "thread", turnId: "one", item: { ...command, status: "failed", exitCode: -1 } };
    expect(server.notify("item/completed", late).events).toBeUndefined();
  });
});

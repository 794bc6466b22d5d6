import { describe, expect, it } from "vitest";
import type { CodexOptions } from "../../../../backends/codex/index.ts";
import type { JsonObject, ProtocolInput, Step, TurnInput } from "../../../../src/kit.ts";
import { eventsOf, isTerminal, ofType, transcript } from "./transcripts.ts";
import { sent, Server, type Sent } from "./server.ts";

const content = [{ type: "text", text: "hi" }] as const;

/** A server whose thread was answered with that. */
function started(
  given: Partial<ProtocolInput> = {},
  thread: JsonObject = {},
  options: CodexOptions = {},
): Server {
  const server = new Server(given, options);
  const [initialize] = sent(server.protocol.open({}));
  const [, request] = sent(server.line({ id: initialize?.id, result: {} }));
  server.line({ id: request?.id, result: { thread: { id: "thread" }, model: "m", ...thread } });
  return server;
}

function turnStart(server: Server, turn: Partial<TurnInput> = {}): JsonObject | undefined {
  return sent(server.protocol.prompt({ turnId: "t", content, ...turn }))[0]?.params;
}

describe("a turn", () => {
  it("carries the level of thinking, since a resumed thread keeps its own", () => {
    expect(turnStart(started({ thinking: "low" }))).toMatchObject({ effort: "low" });
    expect(turnStart(started({}, {}, { reasoningEffort: "high" }))).toMatchObject({ effort: "high" });
    const both = started({ thinking: "low" }, {}, { reasoningEffort: "high" });
    expect(turnStart(both)).toMatchObject({ effort: "low" });
    expect(turnStart(started())).not.toHaveProperty("effort");
  });

  it("is in the mode of work that the session asks for", () => {
    const settings = { model: "m", reasoning_effort: null, developer_instructions: null };
    expect(turnStart(started({ agentMode: "plan" }))).toMatchObject({
      collaborationMode: { mode: "plan", settings },
    });
    const chosen = started({ agentMode: "plan", model: "other", thinking: "low" });
    expect(turnStart(chosen)).toMatchObject({
      collaborationMode: { settings: { model: "other", reasoning_effort: "low" } },
    });
    expect(turnStart(started())).not.toHaveProperty("collaborationMode");
  });

  it("leaves the mode in which a resumed thread was left, once", () => {
    const server = started({}, { collaborationMode: { mode: "plan" } });
    expect(turnStart(server)).toMatchObject({ collaborationMode: { mode: "default" } });
    const threadSettings = { model: "m", collaborationMode: { mode: "default" } };
    const step = server.notify("thread/settings/updated", { threadId: "thread", threadSettings });
    expect(step.events).toEqual([{ type: "session.updated", mode: "default" }]);
    server.notify("turn/completed", { threadId: "thread", turn: { id: "one", status: "completed" } });
    expect(turnStart(server)).not.toHaveProperty("collaborationMode");
  });

  it("takes no settings of a sub-agent's thread for its own", () => {
    const server = started();
    const threadSettings = { model: "small", collaborationMode: { mode: "plan" } };
    const step = server.notify("thread/settings/updated", { threadId: "another", threadSettings });
    expect(step.events).toBeUndefined();
    expect(turnStart(server)).not.toHaveProperty("collaborationMode");
  });

  it("carries the schema of its output in strict form, or the words for it", () => {
    const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
    expect(turnStart(started(), { outputSchema: schema })).toMatchObject({
      input: [{ type: "text", text: "hi" }],
      outputSchema: { ...schema, additionalProperties: false },
    });
    const open = { ...schema, required: [] };
    const params = turnStart(started(), { outputSchema: open });
    expect(params).not.toHaveProperty("outputSchema");
    expect(JSON.stringify(params?.["input"])).toContain("JSON Schema");
  });
});

describe("models", () => {
  const list = (server: Server): Sent =>
    sent(server.protocol.request?.({ id: "host", type: "list_models" }) ?? {})[0] ?? {};
  const page = (id: string, nextCursor: string | null): JsonObject => ({ data: [{ id }], nextCursor });

  it("are listed page by page", () => {
    const server = started();
    const first = list(server);
    expect(first).toMatchObject({ method: "model/list", params: {} });
    const [second] = sent(server.line({ id: first.id, result: page("one", "more") }));
    expect(second).toMatchObject({ method: "model/list", params: { cursor: "more" } });
    const last = server.line({ id: second?.id, result: page("two", null) });
    expect(last.responses).toEqual([{ id: "host", models: [{ id: "one" }, { id: "two" }] }]);
  });

  it("come to an end where pages are empty", () => {
    const server = started();
    const step = server.line({ id: list(server).id, result: { data: [], nextCursor: "more" } });
    expect(step.responses).toEqual([{ id: "host", models: [] }]);
  });

  it("are refused with Codex's words, or with its end", () => {
    const server = started();
    const refusal = { id: list(server).id, error: { code: -1, message: "Not now." } };
    expect(server.line(refusal).responses).toEqual([{ id: "host", error: "Not now." }]);
    list(server);
    expect(server.protocol.end({ code: 0, signal: null, stderr: "" }).responses).toEqual([
      { id: "host", error: "Codex ended before it answered." },
    ]);
  });
});

describe("skills", () => {
  const sessionId = "0b54b6de-3f0c-4a4b-8d0e-6a4f3a8f9c11";
  const skills = [{ name: "greet", files: { "SKILL.md": "x" } }];

  /** Answers until the thread is there. Returns the methods that were asked for, and the last step. */
  function start(given: Partial<ProtocolInput>): { readonly asked: readonly Sent[]; readonly last: Step } {
    const server = new Server(given);
    const asked: Sent[] = [];
    let step = server.protocol.open({});
    for (;;) {
      const next = sent(step).find(({ id, method }) => id !== undefined && method !== "skills/list");
      if (next === undefined) return { asked, last: step };
      asked.push(next);
      step = server.line({ id: next.id, result: { thread: { id: "thread" } } });
    }
  }

  it("are named to the process before its thread begins", () => {
    const { asked, last } = start({ skills });
    expect(asked.map(({ method }) => method)).toEqual([
      "initialize",
      "skills/extraRoots/set",
      "thread/start",
    ]);
    expect(asked[1]?.params).toEqual({ extraRoots: [`/state/skills/${sessionId}`] });
    expect(last.ready).toBe(true);
    expect(start({}).asked.map(({ method }) => method)).toEqual(["initialize", "thread/start"]);
  });

  it("that are not taken are told, with the reason", () => {
    const own = new Server({ skills: [...skills, { name: "mute", files: { "SKILL.md": "x" } }] });
    const [initialize] = sent(own.protocol.open({}));
    const [, roots] = sent(own.line({ id: initialize?.id, result: {} }));
    const [thread] = sent(own.line({ id: roots?.id, result: {} }));
    const [list] = sent(own.line({ id: thread?.id, result: { thread: { id: "thread" } } }));
    expect(list).toMatchObject({ method: "skills/list", params: { cwds: ["/workspace"] } });
    const folder = `/real/state/skills/${sessionId}`;
    const data = [
      {
        skills: [{ path: `${folder}/greet/SKILL.md` }],
        errors: [{ path: `${folder}/mute/SKILL.md`, message: "It has no name." }],
      },
    ];
    expect(own.line({ id: list?.id, result: { data } }).events).toEqual([
      {
        type: "agent.notice",
        level: "warning",
        message: "Codex does not offer the skill mute: It has no name.",
      },
    ]);
  });

  it("need a Codex that knows of them", () => {
    const server = new Server({ skills });
    const [initialize] = sent(server.protocol.open({}));
    const [, roots] = sent(server.line({ id: initialize?.id, result: {} }));
    const step = server.line({ id: roots?.id, error: { code: -32600, message: "unknown variant" } });
    expect(step.startError).toMatchObject({ code: "session_start_failed" });
  });
});

describe("what the recordings of such sessions show", () => {
  const tools = (name: string): readonly unknown[] =>
    ofType(eventsOf(name), "tool.completed").map(({ status, output }) => [status, output]);
  const denied = ["denied", "Not permitted in this session."];

  it("tools that are not allowed are refused, on their own and in a program", () => {
    expect(tools("allowed-tools")).toEqual([["ok", "hello\n"], ["ok", "echo: hi"], denied]);
    expect(tools("allowed-tools-program")).toEqual([["ok", "hello\n"], denied]);
    expect(tools("exec-allowed-tools")).toEqual([
      ["ok", "hello\n"],
      ["ok", "echo: hi"],
    ]);
    for (const name of ["allowed-tools", "allowed-tools-program", "exec-allowed-tools"]) {
      expect(ofType(eventsOf(name), "file.changed")).toEqual([]);
    }
  });

  it("a skill that is not taken is told, and one that is taken is not", () => {
    expect(ofType(eventsOf("skills", true), "agent.notice").map(({ message }) => message)).toEqual([
      expect.stringContaining("the skill mute"),
    ]);
  });

  it("mode and level of thinking are told", () => {
    expect(ofType(eventsOf("plan-mode"), "session.updated")).toEqual([
      { type: "session.updated", mode: "plan", thoughtLevel: "high" },
    ]);
  });

  it("an output by a schema is asked for in one turn only", () => {
    const asked = transcript("structured-output").entries.flatMap(({ step }) =>
      (step.write ?? []).filter((line) => line.includes('"turn/start"')),
    );
    expect(asked.map((line) => line.includes("outputSchema"))).toEqual([true, false]);
    expect(eventsOf("structured-output").filter(isTerminal)).toHaveLength(2);
  });

  it.each(["mcp-failed", "exec-mcp-failed"])(
    "a server that does not start is told, with the reason: %s",
    (name) => {
      const told = ofType(eventsOf(name, true), "session.updated").flatMap(
        ({ mcpServers = [] }) => mcpServers,
      );
      expect(told.at(-1)).toEqual({
        name: "missing",
        status: "failed",
        message: expect.stringContaining("No such file") as string,
      });
    },
  );
});

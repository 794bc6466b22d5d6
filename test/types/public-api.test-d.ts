/**
 * Type tests: they hold when this file compiles, which `npm run check:types` sees to. Each `@ts-expect-error` is a
 * mistake that the compiler must catch.
 */
import {
  type AgentEvent,
  type AgentEventOf,
  type AgentEventType,
  type ErrorCode,
  SandboxAgent,
  SandboxAgentError,
  type Session,
  type Turn,
  type TurnResult,
} from "playpen";
import { claude } from "playpen/claude";
import { codex } from "playpen/codex";
import { docker } from "playpen/docker";
import { local } from "playpen/local";

type Equal<Left, Right> =
  (<Value>() => Value extends Left ? 1 : 2) extends <Value>() => Value extends Right ? 1 : 2 ? true : false;
const holds = <Condition extends true>(condition?: Condition): unknown => condition;

holds<
  Equal<
    AgentEventType,
    | "sandbox.progress"
    | "output.rejected"
    | "session.started"
    | "session.updated"
    | "session.ended"
    | "turn.queued"
    | "turn.started"
    | "turn.completed"
    | "turn.failed"
    | "turn.interrupted"
    | "message.started"
    | "message.delta"
    | "message.completed"
    | "reasoning.started"
    | "reasoning.delta"
    | "reasoning.completed"
    | "tool.started"
    | "tool.delta"
    | "tool.completed"
    | "file.changed"
    | "plan.updated"
    | "permission.requested"
    | "permission.resolved"
    | "question.requested"
    | "question.resolved"
    | "usage.updated"
    | "context.compacted"
    | "agent.retrying"
    | "agent.notice"
    | "agent.unparsed"
    | "agent.unknown"
  >
>();

export async function composes(): Promise<void> {
  await using box = await SandboxAgent.start({ sandbox: docker({ image: "node:22" }), agent: claude() });
  const session: Session = await box.createSession({
    agent: codex({ mode: "turn" }),
    permissions: "allow-all",
  });
  const turn: Turn = session.prompt("x", { timeoutMs: 1 });
  for await (const event of turn) {
    if (event.type === "message.delta") holds<Equal<typeof event.text, string>>();
    // @ts-expect-error -- not every event has a text
    void event.text;
  }
  const result = await turn;
  holds<Equal<typeof result, TurnResult>>();
  session.prompt([
    { type: "text", text: "x" },
    { type: "image", data: new Uint8Array(), mediaType: "image/png" },
    { type: "file", name: "a", data: "b" },
  ]);
  // @ts-expect-error -- argv is an array
  void box.exec("npm test");
  // @ts-expect-error -- a sandbox is required
  void SandboxAgent.start({ agent: claude() });
  // @ts-expect-error -- there is no such option
  docker({ imgae: "node:22" });
  // @ts-expect-error -- there is no such isolation
  local({ isolation: "docker" });
  // @ts-expect-error -- a decision is allow or deny
  void box.createSession({ permissions: () => "maybe" });
  // @ts-expect-error -- events are read-only
  (await box.createSession()).onEvent((event) => (event.seq = 1));
}

export function narrows(event: AgentEvent, error: unknown): void {
  if (event.type === "tool.started") holds<Equal<typeof event, AgentEventOf<"tool.started">>>();
  if (SandboxAgentError.is(error, "rate_limited")) {
    holds<Equal<typeof error.details.status, number | undefined>>();
    // @ts-expect-error -- another code's detail
    void error.details.package;
  }
  const code: ErrorCode = "agent_exited";
  void code;
}

import {
  isJsonObject,
  parseJson,
  type AgentBackend,
  type AgentEventBody,
  type AgentProtocol,
  type ProtocolInput,
} from "playpen/kit";
import { scriptedBackend, type ScriptedLine, type Transcript, type TranscriptCall } from "playpen/testing";
import { expectedStep, performCall } from "../../../../src/testing/backend-conformance/transcript.ts";

const input: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "0.0.0",
};

const prompt = "Look around, and say what you see.";

/** One turn of a CLI that speaks the steps of the contract, and a second one. */
const calls: readonly TranscriptCall[] = [
  { call: "open", argv: ["scripted-agent"] },
  says({ ready: true, nativeSessionId: "native-1" }),
  prompted("turn-1"),
  says({ events: [{ type: "session.started", agent: "scripted", cwd: "/workspace", resumed: false }] }),
  says({ events: [{ type: "message.delta", messageId: "one", text: "I " }] }),
  says({ events: [{ type: "message.delta", messageId: "one", text: "look — über alles." }] }),
  says({ events: [{ type: "message.completed", messageId: "one", text: "I look — über alles." }] }),
  says({
    events: [
      { type: "tool.started", toolCallId: "call-1", name: "ls", kind: "execute", title: "ls", input: {} },
    ],
  }),
  says({ events: [{ type: "tool.completed", toolCallId: "call-1", status: "ok", output: "a b" }] }),
  says({ events: [{ type: "turn.completed", stopReason: "end_turn" }] }),
  prompted("turn-2"),
  says({ events: [{ type: "message.delta", messageId: "two", text: "Again." }] }),
  says({ events: [{ type: "turn.completed", stopReason: "end_turn" }] }),
  { call: "end", exit: { code: 0, signal: null, stderr: "" } },
];

function prompted(turnId: string): TranscriptCall {
  return { call: "prompt", turn: { turnId, content: [{ type: "text", text: prompt }] } };
}

function says(line: ScriptedLine): TranscriptCall {
  return { call: "push", line: JSON.stringify({ type: "step", step: line }) };
}

/** The protocol of {@link smallBackend}, with one thing changed. */
export type Change = (protocol: AgentProtocol) => Partial<AgentProtocol>;

/** A backend without I/O that fulfils every requirement on recordings; with a change it does one thing wrong. */
export function smallBackend(change: Change = () => ({})): AgentBackend {
  const backend = scriptedBackend();
  return {
    ...backend,
    protocol: (given) => {
      const protocol = endingTurns(backend.protocol(given));
      return { ...protocol, ...change(protocol) };
    },
  };
}

/** Speaks the steps of the contract in an envelope, and ends the turns of a CLI that dies. */
function endingTurns(protocol: AgentProtocol): AgentProtocol {
  let isRunning = false;
  return {
    open: (start) => protocol.open(start),
    prompt: (turn) => {
      isRunning = true;
      return protocol.prompt(turn);
    },
    push: (line) => {
      const message = parseJson(line);
      if (!isJsonObject(message)) return { events: [unparsed(line)] };
      if (message["type"] !== "step") return { events: [{ type: "agent.unknown", raw: message }] };
      const { raw: _raw, events = [], ...step } = protocol.push(JSON.stringify(message["step"] ?? null));
      const kept = events.filter(({ type }) => isRunning || !type.startsWith("turn."));
      if (kept.some(({ type }) => type.startsWith("turn."))) isRunning = false;
      return { ...step, events: kept };
    },
    reply: (answer) => protocol.reply(answer),
    interrupt: () => protocol.interrupt(),
    request: (request) => protocol.request?.(request) ?? {},
    tick: () => protocol.tick(),
    end: () => {
      if (!isRunning) return {};
      isRunning = false;
      return {
        events: [
          { type: "turn.failed", error: { code: "agent_exited", message: "It ended.", retryable: true } },
        ],
      };
    },
  };
}

function unparsed(line: string): AgentEventBody {
  const bytes = Buffer.byteLength(line);
  return { type: "agent.unparsed", line: line.slice(0, 2048), bytes, truncated: bytes > 2048 };
}

/** What the sound backend makes of the conversation. */
export function smallRecording(): Transcript {
  const backend = smallBackend();
  const protocol = backend.protocol(input);
  return {
    head: {
      backend: backend.name,
      scenario: "small",
      about: "Two turns.",
      cli: { package: backend.cli.package, version: backend.cli.version },
      options: {},
      input,
    },
    entries: calls.map((call) => ({ call, step: expectedStep(performCall(protocol, call)) })),
  };
}

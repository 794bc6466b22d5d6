import { isDeepStrictEqual } from "node:util";
import type { AgentEventBody } from "../../../spec/events.ts";
import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { expectedStep, performCall } from "../transcript.ts";
import {
  callsOf,
  play,
  protocolOf,
  type TranscriptRequirement,
  type TranscriptSubject,
} from "../transcript-requirement.ts";

export const stepRequirements: readonly TranscriptRequirement[] = [
  {
    id: "transcript.same-steps",
    title: "makes of every line what it made of it on the day of the recording",
    check(subject) {
      const protocol = protocolOf(subject);
      for (const [index, { call, step }] of subject.transcript.entries.entries()) {
        const seen = expectedStep(performCall(protocol, call));
        if (isDeepStrictEqual(seen, step)) continue;
        const made = `call ${String(index + 1)}, ${JSON.stringify(call).slice(0, 300)}`;
        throw new Error(`${made}:\nrecorded ${JSON.stringify(step)}\nnow      ${JSON.stringify(seen)}`);
      }
    },
  },
  {
    id: "transcript.version",
    title: "was recorded with the version of the CLI that the backend installs",
    check({ transcript, backend }) {
      const { package: packageName, version } = backend.cli;
      expectEqual({ ...transcript.head.cli }, { package: packageName, version }, "The CLI of the recording");
    },
  },
  {
    id: "transcript.one-end",
    title: "ends each turn once, and none before it was prompted",
    check(subject) {
      const { prompts, ends } = play(protocolOf(subject), callsOf(subject));
      expectEqual(ends, prompts, "The number of turns that have ended");
    },
  },
  {
    id: "transcript.understood",
    title: "has nothing in it that the backend does not understand",
    check(subject) {
      const strange = eventsOf(subject).filter(
        ({ type }) => type === "agent.unknown" || type === "agent.unparsed",
      );
      expectEqual(strange, [], "The lines that were not understood");
    },
  },
  {
    id: "transcript.deltas",
    title: "gives deltas that add up to the completed texts",
    check(subject) {
      const streamed = new Map<string, string>();
      for (const event of eventsOf(subject)) {
        if (event.type === "message.delta" || event.type === "reasoning.delta") {
          streamed.set(textKey(event), (streamed.get(textKey(event)) ?? "") + event.text);
        } else if (event.type === "message.completed" || event.type === "reasoning.completed") {
          const text = streamed.get(textKey(event));
          if (text !== undefined) expectEqual(event.text, text, `The completed ${textKey(event)}`);
        }
      }
    },
  },
  {
    id: "transcript.tool-ends",
    title: "completes every tool call once, after it has begun",
    check(subject) {
      const open = new Set<string>();
      const begun = new Set<string>();
      for (const event of eventsOf(subject)) {
        if (event.type === "tool.started") {
          expectTrue(!begun.has(event.toolCallId), `The tool call ${event.toolCallId} begins a second time.`);
          begun.add(event.toolCallId);
          open.add(event.toolCallId);
        } else if (event.type === "tool.completed") {
          expectTrue(open.delete(event.toolCallId), `No open tool call ${event.toolCallId} is completed.`);
        }
      }
      if (!subject.isUnfinished) expectEqual([...open], [], "The tool calls that are left open");
    },
  },
  {
    id: "transcript.requests",
    title: "resolves no request that it has not told",
    check(subject) {
      const open = new Set<string>();
      for (const event of eventsOf(subject)) {
        if (event.type === "permission.requested" || event.type === "question.requested") {
          expectTrue(!open.has(event.requestId), `The request ${event.requestId} is told while it is open.`);
          open.add(event.requestId);
        } else if (event.type === "permission.resolved") {
          expectTrue(open.delete(event.requestId), `No open request ${event.requestId} is resolved.`);
        }
      }
    },
  },
  {
    id: "transcript.arguments",
    title: "keeps the prompts out of the arguments, where everybody in the sandbox can read them",
    check(subject) {
      const argv = callsOf(subject).flatMap((call) => (call.call === "open" ? call.argv : []));
      for (const call of callsOf(subject)) {
        if (call.call !== "prompt") continue;
        for (const part of call.turn.content) {
          if (part.type !== "text" || part.text.length < 8) continue;
          const shown = argv.find((argument) => argument.includes(part.text));
          expectTrue(shown === undefined, `The prompt stands in an argument: ${String(shown)}`);
        }
      }
    },
  },
  {
    id: "transcript.deterministic",
    title: "makes the same of the same lines in every session",
    check(subject) {
      // Both at once, so that what one protocol keeps outside of itself shows in the other.
      const [one, two] = [protocolOf(subject), protocolOf(subject)];
      for (const [index, call] of callsOf(subject).entries()) {
        const [left, right] = [performCall(one, call), performCall(two, call)].map(expectedStep);
        expectEqual(right, left, `The step of call ${String(index + 1)} in the second session`);
      }
    },
  },
  {
    id: "transcript.events-given-away",
    title: "hands out each event object once, since the core takes it over",
    check(subject) {
      const protocol = protocolOf(subject);
      const seen = new Set<object>();
      for (const call of callsOf(subject)) {
        for (const event of performCall(protocol, call).events ?? []) {
          expectTrue(!seen.has(event), `An event is handed out twice: ${JSON.stringify(event)}`);
          seen.add(event);
        }
      }
    },
  },
];

function eventsOf(subject: TranscriptSubject): readonly AgentEventBody[] {
  const protocol = protocolOf(subject);
  return callsOf(subject).flatMap((call) => performCall(protocol, call).events ?? []);
}

function textKey(event: { readonly type: string; readonly messageId: string }): string {
  return `${event.type.slice(0, event.type.indexOf("."))} ${event.messageId}`;
}

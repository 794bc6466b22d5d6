import type { TurnInput } from "playpen/kit";
import type { Flaw } from "../reference-agent.ts";
import { type Broken, program, wrap } from "./flaws.ts";

/** What is asked for again within a turn gets the same answer. */
function answersOnce(): Flaw {
  const seen = new Set<string>();
  return wrap((protocol) => ({
    prompt: (turn: TurnInput) => {
      if (!seen.has(turn.turnId)) {
        seen.add(turn.turnId);
        return protocol.prompt(turn);
      }
      return { events: [{ type: "turn.completed", stopReason: "end_turn", output: { answer: "none" } }] };
    },
  }));
}

export const brokenFeatures: readonly Broken[] = [
  { id: "mcp.tool", how: "offers no MCP tools", flaw: program("has no MCP"), seen: /kind of the tool call/ },
  {
    id: "mcp.permission",
    how: "does not ask for MCP tools",
    flaw: program("does not ask for MCP"),
    seen: /tools that were asked for/,
  },
  {
    id: "output.structured",
    how: "gives no output",
    flaw: {
      event: (event) => (event.type.startsWith("message.") ? [] : [event]),
      ...program("gives no output"),
    },
    seen: /status of the turn/,
  },
  {
    id: "output.repaired",
    how: "gives the same output again",
    flaw: answersOnce(),
    seen: /status of the turn/,
  },
  {
    id: "output.words-again",
    how: "repeats its output in the next turn",
    flaw: program("repeats its output"),
    seen: /a turn that was asked for none/,
  },
  {
    id: "secret.hidden",
    how: "passes the key as an argument",
    flaw: { argv: ({ apiKey }) => [`--key=${apiKey}`] },
    seen: /the key in an argument/,
  },
  {
    id: "secret.hidden",
    how: "does not say which variable is secret",
    flaw: { secret: [] },
    seen: /The key is shown/,
  },
  {
    id: "usage.turn",
    how: "counts the turns before",
    flaw: program("counts the whole session"),
    seen: /tokens of the turns/,
  },
  {
    id: "usage.several-requests",
    how: "counts the last request only",
    flaw: program("counts the last request"),
    seen: /tokens of the turn/,
  },
  {
    id: "usage.resume",
    how: "counts the session's past",
    flaw: program("counts the whole session"),
    seen: /tokens of the turn/,
  },
  {
    id: "cost.turn",
    how: "adds the costs of the turns before",
    flaw: program("adds up costs"),
    seen: /Expected the same cost/,
  },
  { id: "image.shown", how: "drops images", flaw: program("is blind"), seen: /Expected an image/ },
  {
    id: "system-prompt.append",
    how: "does not take instructions",
    flaw: program("keeps its instructions"),
    seen: /Expected the added instruction/,
  },
  {
    id: "system-prompt.replace",
    how: "does not take instructions",
    flaw: program("keeps its instructions"),
    seen: /Expected the instruction/,
  },
  { id: "model.set", how: "keeps its model", flaw: program("keeps its model"), seen: /Expected a request/ },
  { id: "model.list", how: "knows no models", flaw: program("knows no models"), seen: /list is empty/ },
  {
    id: "thinking.levels",
    how: "fails at one of its levels",
    flaw: program("fails when it thinks hard"),
    seen: /Too hard/,
  },
  {
    id: "mode.each",
    how: "does not start in one of its modes",
    flaw: program("fails in a mode"),
    seen: /No such mode/,
  },
  {
    id: "tools.allowed",
    how: "uses other tools too",
    flaw: program("has more tools"),
    seen: /A tool that is not allowed ran/,
  },
  {
    id: "skills.offered",
    how: "does not offer skills",
    flaw: program("has no skills"),
    seen: /Expected the skill's description/,
  },
];

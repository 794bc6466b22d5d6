import {
  arrayField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type PlanEntry,
} from "../../src/kit.ts";

const statuses: { readonly [status: string]: PlanEntry["status"] } = {
  pending: "pending",
  in_progress: "in_progress",
  completed: "completed",
};

/** The plan that a call of `TodoWrite` has set, which models write as a list of lines: `1. [in_progress] Build it`. */
export function planUpdate(input: JsonObject): AgentEventBody | undefined {
  const entries: PlanEntry[] = [];
  const text = stringField(input, "todos");
  for (const line of text?.split("\n") ?? []) {
    const match = /^\s*(?:\d+[.)]|[-*])?\s*\[(\w+)\]\s*(.+?)\s*$/.exec(line);
    if (match !== null) addEntry(entries, match[1], match[2]);
  }
  for (const item of arrayField(input, "todos")) {
    addEntry(entries, stringField(item, "status"), stringField(item, "content"));
  }
  return entries.length === 0 ? undefined : { type: "plan.updated", entries };
}

function addEntry(entries: PlanEntry[], status: string | undefined, content: string | undefined): void {
  if (content === undefined || content === "") return;
  const known = status !== undefined && Object.hasOwn(statuses, status) ? statuses[status] : undefined;
  entries.push({ content, status: known ?? "pending" });
}

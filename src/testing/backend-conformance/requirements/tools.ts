import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { type BackendRequirement, eventsOf } from "../requirement.ts";

export const toolRequirements: readonly BackendRequirement[] = [
  {
    id: "tool.result",
    title: "tells of a tool call when it begins, and of its result when it ends",
    async run(context) {
      const session = await context.session();
      const { events } = await context.complete(session, "!shell expr 4700 + 11\n!text Done.");
      const started = eventsOf(events, "tool.started");
      const completed = eventsOf(events, "tool.completed");
      expectEqual(
        started.map(({ kind }) => kind),
        ["execute"],
        "The kinds of the tool calls",
      );
      expectEqual(
        completed.map(({ toolCallId, status }) => ({ toolCallId, status })),
        started.map(({ toolCallId }) => ({ toolCallId, status: "ok" })),
        "The completed tool calls",
      );
      const output = completed[0]?.output ?? "";
      expectTrue(output.includes("4711"), `Expected the output 4711, saw ${JSON.stringify(output)}.`);
      const input = JSON.stringify(started[0]?.input);
      expectTrue(input.includes("expr"), `Expected the command in the tool's input, saw ${input}.`);
    },
  },
  {
    id: "tool.failure",
    title: "tells a command that fails from one that succeeds",
    async run(context) {
      const session = await context.session();
      const { events, result } = await context.complete(
        session,
        "!shell echo oops >&2; exit 3\n!text It failed.",
      );
      const [completed] = eventsOf(events, "tool.completed");
      expectEqual(completed?.status, "error", "The status of the tool call");
      expectTrue(
        completed?.output.includes("oops") === true,
        `Expected oops, saw ${String(completed?.output)}`,
      );
      expectEqual(result.text, "It failed.", "The text of the turn");
    },
  },
  {
    id: "tool.row",
    title: "keeps the calls of a turn apart",
    async run(context) {
      const session = await context.session();
      const { events } = await context.complete(
        session,
        "!shell echo one\n!shell echo two\n!also shell echo three\n!text Done.",
      );
      const ids = eventsOf(events, "tool.started").map(({ toolCallId }) => toolCallId);
      expectEqual(new Set(ids).size, 3, "The number of tool calls");
      const outputs = eventsOf(events, "tool.completed").map(({ output }) =>
        ["one", "two", "three"].filter((word) => output.includes(word)).join(),
      );
      expectEqual(outputs.slice(0, 1), ["one"], "The first output");
      expectEqual(outputs.slice(1).sort(), ["three", "two"], "The other outputs");
    },
  },
  {
    id: "tool.writes",
    title: "tells of a file that the agent writes",
    async run(context) {
      const session = await context.session();
      const { events } = await context.complete(session, "!write made.txt 12345\n!text Written.");
      const box = await context.box();
      expectEqual((await box.files.readText("made.txt")).trim(), "12345", "The content of the file");
      const started = eventsOf(events, "tool.started").map(({ kind }) => kind);
      expectEqual(started, ["edit"], "The kinds of the tool calls");
      const changes = eventsOf(events, "file.changed").map(({ path, change }) => ({
        name: path.split("/").at(-1),
        change,
      }));
      expectEqual(changes, [{ name: "made.txt", change: "added" }], "The files that changed");
    },
  },
  {
    id: "tool.environment",
    title: "runs tools in the session's folder, with its environment",
    async run(context) {
      await context.shell("mkdir inner");
      const box = await context.box();
      const cwd = `${box.cwd}/inner`;
      const session = await context.session({ cwd, env: { WHO: "session-env" } });
      const { events } = await context.complete(session, "!shell pwd; echo $WHO\n!text Done.");
      const output = eventsOf(events, "tool.completed")[0]?.output ?? "";
      expectTrue(output.includes(cwd), `Expected the folder ${cwd}, saw ${output}`);
      expectTrue(output.includes("session-env"), `Expected the variable's value, saw ${output}`);
    },
  },
];

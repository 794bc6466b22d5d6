import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import type { PermissionDecision, PermissionRequest } from "../../../spec/permissions.ts";
import { type BackendRequirement, eventsOf } from "../requirement.ts";

export const permissionRequirements: readonly BackendRequirement[] = [
  {
    id: "permission.allowed",
    title: "asks before it runs a tool, and runs it once it may",
    needs: ["permissions:ask"],
    async run(context) {
      const made: boolean[] = [];
      const session = await context.session({
        permissions: async (): Promise<PermissionDecision> => {
          made.push(await isThere(context, "granted"));
          return "allow";
        },
      });
      const { events } = await context.complete(session, "!shell touch granted\n!text Done.");
      expectEqual(made, [false], "Whether the file was there when the permission was asked for");
      expectEqual(await isThere(context, "granted"), true, "Whether the file is there afterwards");
      expectEqual(
        eventsOf(events, "permission.resolved").map(({ outcome, by }) => ({ outcome, by })),
        [{ outcome: "allowed", by: "host" }],
        "The answers",
      );
      expectEqual(
        eventsOf(events, "tool.completed").map(({ status }) => status),
        ["ok"],
        "The statuses of the tool calls",
      );
    },
  },
  {
    id: "permission.denied",
    title: "does not run a tool that the host denies, and ends the turn",
    needs: ["permissions:ask"],
    async run(context) {
      const session = await context.session({
        permissions: () => ({ outcome: "deny", message: "Not here." }),
      });
      const { events } = await context.play(session, "!shell touch forbidden\n!text Done.");
      expectEqual(await isThere(context, "forbidden"), false, "Whether the file is there");
      expectEqual(
        eventsOf(events, "tool.completed").map(({ status }) => status),
        ["denied"],
        "The statuses of the tool calls",
      );
      const { result } = await context.complete(session, "!text Good.");
      expectEqual(result.text, "Good.", "The text of the next turn");
    },
  },
  {
    id: "permission.every-call",
    title: "asks for every call of every tool, also for those that only look",
    needs: ["permissions:ask"],
    async run(context) {
      const asked: PermissionRequest[] = [];
      const session = await context.session({
        permissions: (request) => {
          asked.push(request);
          return "allow";
        },
      });
      const { events } = await context.complete(
        session,
        "!shell ls\n!shell ls\n!write made.txt 1\n!text Done.",
      );
      expectEqual(
        asked.map(({ tool }) => tool.kind),
        ["execute", "execute", "edit"],
        "The kinds of the tools that were asked for",
      );
      expectEqual(eventsOf(events, "permission.requested").length, 3, "The number of permission.requested");
      const title = asked[0]?.tool.title ?? "";
      expectTrue(title.includes("ls"), `Expected the command in the title, saw ${JSON.stringify(title)}.`);
    },
  },
  {
    id: "permission.deny-all",
    title: "runs no tool where all are denied",
    needs: ["permissions:deny-all"],
    async run(context) {
      const session = await context.session({ permissions: "deny-all" });
      await context.play(session, "!shell touch made-by-shell\n!text Done.");
      await context.play(session, "!write made-by-write 1\n!text Done.");
      expectEqual(await isThere(context, "made-by-shell"), false, "Whether the command ran");
      expectEqual(await isThere(context, "made-by-write"), false, "Whether the file was written");
    },
  },
  {
    id: "permission.updated-input",
    title: "runs a tool with the input that the host gives instead",
    needs: ["permissions:ask", "updatedInput"],
    async run(context) {
      const session = await context.session({
        permissions: ({ tool }) => ({
          outcome: "allow",
          updatedInput: replaced(tool.input, "touch original", "touch changed"),
        }),
      });
      await context.complete(session, "!shell touch original\n!text Done.");
      expectEqual(await isThere(context, "changed"), true, "Whether the changed command ran");
      expectEqual(await isThere(context, "original"), false, "Whether the original command ran");
    },
  },
  {
    id: "permission.interrupted",
    title: "withdraws a permission that is asked for when the turn is interrupted",
    needs: ["permissions:ask"],
    async run(context) {
      let isWithdrawn = false;
      const session = await context.session({
        permissions: ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener("abort", () => {
              isWithdrawn = true;
              resolve("deny");
            });
          }),
      });
      const turn = context.begin(session, "!shell touch made\n!text Done.");
      await context.until(session, turn, "permission.requested");
      await context.within(session.interrupt(), "the interrupt");
      expectEqual((await turn).status, "interrupted", "The status of the turn");
      expectEqual(isWithdrawn, true, "Whether the handler's signal was aborted");
      const { result } = await context.complete(session, "!text Good.");
      expectEqual(result.text, "Good.", "The text of the next turn");
      expectEqual(await isThere(context, "made"), false, "Whether the tool ran");
    },
  },
  {
    id: "question.answered",
    title: "puts the agent's question to the host, and the answer to the model",
    needs: ["questions"],
    async run(context) {
      const session = await context.session({
        onQuestion: ({ questions }) => Object.fromEntries(questions.map(({ id }) => [id, "Ochre"])),
      });
      const { events } = await context.complete(session, "!ask Which colour? | Umber | Ochre\n!text Done.");
      const [asked] = eventsOf(events, "question.requested");
      expectEqual(asked?.questions[0]?.question, "Which colour?", "The question");
      expectEqual(
        asked?.questions[0]?.options.map(({ label }) => label),
        ["Umber", "Ochre"],
        "The options",
      );
      const told = context.server.requests.filter(({ prompt }) => prompt?.includes("!ask") === true).at(-1);
      const count = (word: string): number => JSON.stringify(told?.body).split(word).length;
      // Wherever the options stand, both stand: only the answer tells them apart.
      expectTrue(count("Ochre") > count("Umber"), "The answer did not come to the model.");
    },
  },
  {
    id: "question.declined",
    title: "completes the turn when the host does not answer",
    needs: ["questions"],
    async run(context) {
      const session = await context.session({ onQuestion: () => undefined });
      // Some agents let the model go on then, others leave it at that.
      await context.complete(session, "!ask Which colour? | Umber | Ochre\n!text I choose.");
      const { result } = await context.complete(session, "!text Good.");
      expectEqual(result.text, "Good.", "The text of the next turn");
    },
  },
];

type Context = Parameters<BackendRequirement["run"]>[0];

async function isThere(context: Context, name: string): Promise<boolean> {
  const box = await context.box();
  return (await box.files.stat(name)) !== undefined;
}

/** Replaces a text wherever it stands in a tool's input: agents name the member differently. */
function replaced(input: PermissionRequest["tool"]["input"], from: string, to: string): typeof input {
  return JSON.parse(JSON.stringify(input).replaceAll(from, to)) as typeof input;
}

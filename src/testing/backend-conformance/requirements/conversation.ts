import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { type BackendRequirement, eventsOf } from "../requirement.ts";

const manyWords = Array.from({ length: 40 }, (_, index) => `word${String(index)}`).join(" ");

export const conversationRequirements: readonly BackendRequirement[] = [
  {
    id: "text.complete",
    title: "gives the whole text of an answer, and ends the turn for the reason end_turn",
    async run(context) {
      const session = await context.session();
      const { events, result } = await context.complete(session, "!text The sky is blue.");
      expectEqual(result.text, "The sky is blue.", "The text of the turn");
      expectEqual(result.stopReason, "end_turn", "The stop reason");
      const texts = eventsOf(events, "message.completed").map(({ text }) => text);
      expectEqual(texts, ["The sky is blue."], "The completed messages");
    },
  },
  {
    id: "text.deltas",
    title: "gives the text in pieces while it comes in",
    needs: ["textDeltas"],
    async run(context) {
      const session = await context.session();
      const turn = context.begin(session, `!slow 20\n!text ${manyWords}\n!hang`);
      // The model hangs behind the text: a piece that comes only with the end of the answer never comes.
      await context.until(session, turn, "message.delta");
      await context.within(session.interrupt(), "the interrupt");
      const { events, result } = await context.complete(session, `!slow 5\n!text ${manyWords}`);
      const pieces = eventsOf(events, "message.delta").map(({ text }) => text);
      expectTrue(pieces.length > 1, `Expected several deltas, saw ${String(pieces.length)}.`);
      expectEqual(pieces.join(""), manyWords, "The deltas together");
      expectEqual(result.text, manyWords, "The text of the turn");
    },
  },
  {
    id: "text.several-messages",
    title: "tells the messages of a turn apart, and takes the last one for its text",
    async run(context) {
      const session = await context.session();
      const { events, result } = await context.complete(session, "!text First.\n!shell true\n!text Last.");
      const messages = eventsOf(events, "message.completed");
      expectEqual(
        messages.map(({ text }) => text),
        ["First.", "Last."],
        "The completed messages",
      );
      expectEqual(new Set(messages.map(({ messageId }) => messageId)).size, 2, "The number of message ids");
      expectEqual(result.text, "Last.", "The text of the turn");
    },
  },
  {
    id: "text.reasoning",
    title: "tells thoughts from words",
    needs: ["reasoning"],
    async run(context) {
      const session = await context.session();
      const { events, result } = await context.complete(session, "!think Let me see.\n!text Seen.");
      const thoughts = eventsOf(events, "reasoning.completed").map(({ text }) => text.trim());
      expectEqual(thoughts, ["Let me see."], "The completed reasoning");
      expectEqual(result.text, "Seen.", "The text of the turn");
    },
  },
  {
    id: "prompt.exact",
    title: "hands the prompt on as it is, whatever stands in it",
    async run(context) {
      const odd = `--help "double" 'single' \`whoami\` $(id) $HOME \\ %s é 漢 🦊`;
      const session = await context.session();
      await context.complete(session, `${odd}\n!text Read.`);
      const asked = context.server.requests.map(({ prompt = "" }) => prompt);
      expectTrue(
        asked.some((prompt) => prompt.startsWith(odd)),
        `Expected the model to be asked ${JSON.stringify(odd)}, saw ${JSON.stringify(asked)}.`,
      );
    },
  },
  {
    id: "prompt.long",
    title: "takes a prompt of 300 KB",
    async run(context) {
      const filler = "Lorem ipsum dolor sit amet. ".repeat(11_000);
      const session = await context.session();
      await context.complete(session, `${filler}\n!text Read.`);
      const longest = Math.max(0, ...context.server.requests.map(({ prompt = "" }) => prompt.length));
      expectTrue(
        longest >= filler.length,
        `Expected a prompt of ${String(filler.length)} characters, saw ${String(longest)}.`,
      );
    },
  },
  {
    id: "turn.memory",
    title: "remembers in the second turn what was said in the first",
    async run(context) {
      const session = await context.session();
      await context.complete(session, "!text Remember the number 4711.");
      const { result } = await context.complete(session, "!recall");
      expectTrue(result.text.includes("4711"), `Expected the first prompt, saw ${result.text}`);
    },
  },
];

import { randomInt } from "node:crypto";
import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { type BackendRequirement, eventsOf } from "../requirement.ts";

const longAnswer = "!slow 20\n!repeat 5000 old";

export const interruptRequirements: readonly BackendRequirement[] = [
  {
    id: "interrupt.text",
    title: "stops in the middle of a text, and the next turn is good",
    async run(context) {
      const session = await context.session();
      const turn = context.begin(session, longAnswer);
      if (context.backend.capabilities.textDeltas) await context.until(session, turn, "message.delta");
      else await untilModelIsAsked(context);
      await context.within(session.interrupt(), "the interrupt");
      const { status, interruptedBy } = await turn;
      expectEqual({ status, interruptedBy }, { status: "interrupted", interruptedBy: "host" }, "The turn");
      const next = await context.complete(session, "!text New.");
      expectEqual(next.result.text, "New.", "The text of the next turn");
      const late = eventsOf(next.events, "message.delta").filter(({ text }) => text.includes("old"));
      expectEqual(late, [], "Deltas of the interrupted turn in the next one");
    },
  },
  {
    id: "interrupt.tool",
    title: "stops a running tool with all its processes, and the next turn is good",
    async run(context) {
      const session = await context.session();
      // Without isolation the machine's other processes are seen too: the number tells which are ours.
      const seconds = String(randomInt(100_000, 1_000_000));
      const command = `touch began; sleep ${seconds} & sleep ${seconds}; touch ended`;
      const turn = context.begin(session, `!shell ${command}\n!text Done.`);
      await context.until(session, turn, "tool.started");
      await context.shell("until [ -e began ]; do sleep 0.05; done");
      await context.within(session.interrupt(), "the interrupt");
      expectEqual((await turn).status, "interrupted", "The status of the turn");
      const { result } = await context.complete(session, "!text New.");
      expectEqual(result.text, "New.", "The text of the next turn");
      const events = await context.close(session);
      const [tool] = eventsOf(events, "tool.completed");
      expectEqual(tool?.status, "interrupted", "The status of the tool call");
      // Written so that the search does not find itself.
      const left = await context.shell(`grep -lsa -- "sleep[^.]${seconds}" /proc/[0-9]*/cmdline || true`);
      expectEqual(left, "", "Processes of the tool that still run");
      const box = await context.box();
      expectTrue((await box.files.stat("ended")) === undefined, "The tool went on to its end.");
    },
  },
  {
    id: "interrupt.silence",
    title: "stops while the model is silent, and the next turn is good",
    async run(context) {
      const session = await context.session();
      const turn = context.begin(session, "!hang");
      await untilModelIsAsked(context);
      await context.within(session.interrupt(), "the interrupt");
      expectEqual((await turn).status, "interrupted", "The status of the turn");
      const { result } = await context.complete(session, "!text New.");
      expectEqual(result.text, "New.", "The text of the next turn");
    },
  },
  {
    id: "interrupt.memory",
    title: "remembers after an interrupt what was said before it",
    async run(context) {
      const session = await context.session();
      await context.complete(session, "!text Remember the number 4711.");
      const asked = context.server.requests.length;
      const turn = context.begin(session, longAnswer);
      await untilModelIsAsked(context, asked);
      await context.within(session.interrupt(), "the interrupt");
      await turn;
      const { result } = await context.complete(session, "!recall");
      expectTrue(result.text.includes("4711"), `Expected the first prompt, saw ${result.text}`);
    },
  },
  {
    id: "interrupt.steering",
    title: "gives a message for the running turn to the model",
    needs: ["steering"],
    async run(context) {
      const session = await context.session();
      const turn = context.begin(session, "!shell touch began; sleep 2\n!text Not said any more.");
      await context.shell("until [ -e began ]; do sleep 0.05; done");
      await context.within(turn.steer("!text Steered."), "the message to be taken");
      const { status } = await context.within(Promise.resolve(turn), "the end of the turn");
      expectEqual(status, "completed", "The status of the turn");
      const texts = eventsOf(await context.close(session), "message.completed").map(({ text }) => text);
      expectTrue(texts.includes("Steered."), `Expected the answer Steered., saw ${JSON.stringify(texts)}.`);
    },
  },
];

/** Waits until the turn's request has come to the model: before that there may be nothing to interrupt. */
async function untilModelIsAsked(
  context: Parameters<BackendRequirement["run"]>[0],
  before = 0,
): Promise<void> {
  const isAsked = (): boolean =>
    context.server.requests
      .slice(before)
      .some(({ prompt, side }) => prompt !== undefined && side === undefined);
  const poll = async (): Promise<void> => {
    while (!isAsked()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await context.within(poll(), "the request to the model");
}

import { randomUUID } from "node:crypto";
import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { type BackendRequirement, eventsOf } from "../requirement.ts";

export const sessionRequirements: readonly BackendRequirement[] = [
  {
    id: "session.started",
    title: "tells of the session's start once, with the agent's name and the CLI's own id",
    async run(context) {
      const session = await context.session();
      await context.complete(session, "!text One.");
      await context.complete(session, "!text Two.");
      const { nativeSessionId } = session;
      expectEqual(typeof nativeSessionId, "string", "The type of session.nativeSessionId");
      const started = eventsOf(await context.close(session), "session.started");
      expectEqual(
        started.map(({ agent, resumed }) => ({ agent, resumed })),
        [{ agent: context.backend.name, resumed: false }],
        "The events session.started",
      );
      const told = started[0]?.nativeSessionId ?? nativeSessionId;
      expectEqual(told, nativeSessionId, "The native id of session.started");
    },
  },
  {
    id: "session.understood",
    title: "understands everything that the CLI says in a plain conversation",
    async run(context) {
      const session = await context.session();
      await context.complete(
        session,
        "!think Hm.\n!text One.\n!shell echo two\n!write three.txt 3\n!text Four.",
      );
      const strange = (await context.close(session)).filter(
        ({ type }) => type === "agent.unknown" || type === "agent.unparsed",
      );
      expectEqual(strange, [], "The lines that were not understood");
    },
  },
  {
    id: "session.side-by-side",
    title: "keeps two sessions in one box apart",
    async run(context) {
      const [left, right] = await Promise.all([context.session(), context.session()]);
      await Promise.all([
        context.complete(left, "!slow 5\n!text Said to the left one."),
        context.complete(right, "!slow 5\n!text Said to the right one."),
      ]);
      await context.complete(right, "!text Said to the right one again.");
      const { result } = await context.complete(left, "!recall");
      expectTrue(result.text.includes("the left one"), `Expected its own prompt, saw ${result.text}`);
      expectTrue(!result.text.includes("the right one"), `Saw the other session's prompt: ${result.text}`);
      expectTrue(left.nativeSessionId !== right.nativeSessionId, "Both sessions have the same native id.");
    },
  },
  {
    id: "session.resume",
    title: "goes on with a session in another process",
    needs: ["resume"],
    async run(context) {
      const first = await context.session();
      await context.complete(first, "!text Remember the number 4711.");
      const resume = first.nativeSessionId ?? "";
      await context.close(first);
      const second = await context.session({ resume });
      const { result } = await context.complete(second, "!recall");
      expectTrue(result.text.includes("4711"), `Expected the first prompt, saw ${result.text}`);
      const started = eventsOf(await context.close(second), "session.started");
      expectEqual(
        started.map(({ resumed }) => resumed),
        [true],
        "resumed of session.started",
      );
    },
  },
  {
    id: "session.resume-unknown",
    title: "begins a fresh session, and says so, when the one to resume is not there",
    needs: ["resume"],
    async run(context) {
      const unknown = randomUUID();
      const session = await context.session({ resume: unknown });
      const { result } = await context.complete(session, "!text Hello.");
      expectEqual(result.text, "Hello.", "The text of the turn");
      expectTrue(session.nativeSessionId !== unknown, "The session has the id of the one that is not there.");
      const notices = eventsOf(await context.close(session), "agent.notice").map(({ message }) => message);
      expectTrue(
        notices.some((message) => message.includes(unknown)),
        `Expected a notice about ${unknown}, saw ${JSON.stringify(notices)}.`,
      );
    },
  },
  {
    id: "session.fork",
    title: "goes on with a copy of a session, and leaves the original alone",
    needs: ["fork"],
    async run(context) {
      const origin = await context.session();
      await context.complete(origin, "!text Said in the origin.");
      const resume = origin.nativeSessionId ?? "";
      await context.close(origin);
      const fork = await context.session({ resume, fork: true });
      const { result } = await context.complete(fork, "!recall");
      expectTrue(result.text.includes("Said in the origin."), `Expected the past, saw ${result.text}`);
      await context.complete(fork, "!text Said in the fork.");
      expectTrue(fork.nativeSessionId !== resume, "The fork has the native id of its origin.");
      await context.close(fork);
      const again = await context.session({ resume });
      const recalled = await context.complete(again, "!recall");
      expectTrue(
        !recalled.result.text.includes("Said in the fork."),
        `The origin knows what was said in the fork: ${recalled.result.text}`,
      );
    },
  },
];

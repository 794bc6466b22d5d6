import { expect, it } from "vitest";
import { collect, describeMatrix, ofType, secretKey, streamedText } from "./matrix.ts";

describeMatrix(
  "a smoke test",
  (scene) => {
    scene.it("streams text, runs tools, remembers, and shows no secret", [], async () => {
      await using box = await scene.start();
      const session = await box.createSession();

      const first = session.prompt("!text The sky is blue.");
      const events = await collect(first);
      const result = await first;
      expect(result).toMatchObject({ status: "completed", text: "The sky is blue.", stopReason: "end_turn" });
      expect(streamedText(events)).toBe(result.text);
      expect(ofType(events, "message.delta").length).toBeGreaterThan(1);
      expect(result.usage.outputTokens).toBeGreaterThan(0);
      expect(events.at(-1)?.type).toBe("turn.completed");
      expect(session.nativeSessionId).toBeTypeOf("string");

      const tools = await collect(session.prompt('!shell echo "mark-$((40 + 2))"; env; exit 3\n!text ran'));
      const [started] = ofType(tools, "tool.started");
      const [completed] = ofType(tools, "tool.completed");
      expect(started).toMatchObject({ kind: "execute" });
      expect(completed).toMatchObject({ toolCallId: started?.toolCallId, status: "error", exitCode: 3 });
      expect(completed?.output).toContain("mark-42");

      const written = await collect(session.prompt("!write made.txt 12345\n!text written"));
      expect(ofType(written, "file.changed")).toMatchObject([
        { path: expect.stringContaining("made.txt") as string },
      ]);
      expect((await box.files.readText("made.txt")).trim()).toBe("12345");

      const recalled = session.prompt("!recall");
      expect((await recalled).text).toContain("The sky is blue.");

      const turns = 4;
      await session.close();
      const all = await collect(session.events({ from: 1 }));
      expect(all.map((event) => event.seq)).toEqual(all.map((_, index) => index + 1));
      expect(ofType(all, "turn.completed")).toHaveLength(turns);
      expect(ofType(all, "session.started")).toMatchObject([{ agent: scene.backend().name, resumed: false }]);
      expect(JSON.stringify(all)).not.toContain(secretKey);
    });
  },
  { isSmoke: true },
);

describeMatrix("a conversation", (scene) => {
  scene.it("shows reasoning", ["reasoning"], async () => {
    await using box = await scene.start();
    const session = await box.createSession();
    const events = await collect(session.prompt("!think Let me see.\n!text Seen."));
    expect(ofType(events, "reasoning.completed").map((event) => event.text)).toEqual(["Let me see."]);
    expect(ofType(events, "turn.completed")).toMatchObject([{ text: "Seen." }]);
  });

  scene.it("runs several tools in a row and side by side", [], async () => {
    await using box = await scene.start();
    const session = await box.createSession();
    const events = await collect(
      session.prompt("!shell echo one\n!shell echo two\n!also shell echo three\n!text done"),
    );
    const outputs = ofType(events, "tool.completed").map((event) => event.output.trim());
    expect(outputs.slice(0, 1)).toEqual(["one"]);
    expect(outputs.slice(1).sort()).toEqual(["three", "two"]);
  });

  scene.it(
    "goes on with a session in another process, and with a fresh one when there is no such session",
    ["resume"],
    async () => {
      await using box = await scene.start();
      const first = await box.createSession();
      await first.prompt("!text Remember the number 4711.");
      const resume = first.nativeSessionId ?? "";
      await first.close();

      const second = await box.createSession({ resume });
      expect((await second.prompt("!recall")).text).toContain("Remember the number 4711.");
      await second.close();
      const resumed = await collect(second.events({ from: 1 }));
      expect(ofType(resumed, "session.started")).toMatchObject([{ resumed: true, nativeSessionId: resume }]);

      const unknown = "00000000-0000-4000-8000-000000000000";
      const third = await box.createSession({ resume: unknown });
      expect(await third.prompt("!text Hello.")).toMatchObject({ status: "completed", text: "Hello." });
      expect(third.nativeSessionId).not.toBe(unknown);
      await third.close();
      const notices = ofType(await collect(third.events({ from: 1 })), "agent.notice");
      expect(notices.map((event) => event.message)).toContainEqual(expect.stringContaining(unknown));
    },
  );

  it.runIf(scene.agent.hasTurnMode === true)("works with one process per turn", async () => {
    await using box = await scene.start({}, { mode: "turn" });
    const session = await box.createSession();
    expect((await session.prompt("!text First.")).text).toBe("First.");
    expect((await session.prompt("!recall")).text).toContain("First.");
  });

  scene.it("counts the usage of each turn by itself", ["usage"], async () => {
    await using box = await scene.start();
    const session = await box.createSession();
    const usage = "!usage input=100 output=10 cacheRead=40";
    const first = await session.prompt(`${usage}\n!text One.`);
    const second = await session.prompt(`${usage}\n!text Two.`);
    expect(second.usage).toEqual(first.usage);
    expect(first.usage).toMatchObject({ outputTokens: 10, cacheReadTokens: 40 });
    expect(session.usage.outputTokens).toBe(20);
  });
});

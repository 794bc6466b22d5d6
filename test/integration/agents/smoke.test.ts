import { expect } from "vitest";
import { checkEventInvariants } from "playpen/testing";
import { collect, describeMatrix, ofType, secretKey, streamedText } from "./matrix.ts";

// What an agent does is for the conformance suite, in the place where it is fastest; here each of them runs in every
// other kind of sandbox.
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
      if (scene.backend().capabilities.textDeltas) expect(streamedText(events)).toBe(result.text);
      expect(events.at(-1)?.type).toBe("turn.completed");
      expect(session.nativeSessionId).toBeTypeOf("string");

      const tools = await collect(session.prompt("!shell expr 4700 + 11; env\n!text ran"));
      const [started] = ofType(tools, "tool.started");
      const [completed] = ofType(tools, "tool.completed");
      expect(started).toMatchObject({ kind: "execute" });
      expect(completed).toMatchObject({ toolCallId: started?.toolCallId, status: "ok" });
      expect(completed?.output).toContain("4711");

      await session.prompt("!write made.txt 12345\n!text written");
      expect((await box.files.readText("made.txt")).trim()).toBe("12345");

      expect((await session.prompt("!recall")).text).toContain("The sky is blue.");

      const turns = 4;
      await session.close();
      const all = await collect(session.events({ from: 1 }));
      expect(checkEventInvariants(all)).toEqual([]);
      expect(ofType(all, "turn.completed")).toHaveLength(turns);
      expect(ofType(all, "session.started")).toMatchObject([{ agent: scene.backend().name, resumed: false }]);
      expect(JSON.stringify(all)).not.toContain(secretKey);
    });

    scene.it("goes on with a session in another process", ["resume"], async () => {
      await using box = await scene.start();
      const first = await box.createSession();
      await first.prompt("!text Remember the number 4711.");
      const resume = first.nativeSessionId ?? "";
      await first.close();
      const second = await box.createSession({ resume });
      expect((await second.prompt("!recall")).text).toContain("Remember the number 4711.");
    });
  },
  { isSmoke: true },
);

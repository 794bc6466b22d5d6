import { expect, it } from "vitest";
import { collect, describeMatrix, ofType, runsEverywhere, secretKey } from "./matrix.ts";

describeMatrix(
  "the model's API fails for a while",
  (scene) => {
    it("a 429 that passes is a retry, not a failure", async () => {
      await using box = await scene.start();
      const session = await box.createSession();
      const begun = scene.agent.retriesRefusedRequests === true ? "" : "!text Begun.\n";
      const turn = session.prompt(`${begun}!status 429 times 1\n!text recovered`);
      const events = await collect(turn);
      expect((await turn).text).toBe("recovered");
      expect(ofType(events, "agent.retrying").length).toBeGreaterThan(0);
    });
  },
  { agents: runsEverywhere },
);

describeMatrix(
  "something dies",
  (scene) => {
    scene.it("the CLI: the turn fails, and the next one resumes in a new process", ["resume"], async () => {
      await using box = await scene.start();
      const session = await box.createSession();
      await session.prompt("!text Remember 815.");
      // The CLIs write their sessions down a moment after the turn; killed before, they have nothing to resume.
      const isKept = 'grep -rqs "Remember [8]15" "$HOME/.playpen"';
      const dieOnceKept = `until ${isKept}; do sleep 0.05; done; kill -KILL $PPID; sleep 30`;
      const error: unknown = await session.prompt(`!shell ${dieOnceKept}`).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: "agent_exited", result: { status: "failed" } });
      expect(String(error)).not.toContain(secretKey);
      expect((await session.prompt("!recall")).text).toContain("Remember 815.");
    });

    it("the sandbox: the turn fails at once, and nothing hangs", async () => {
      const box = await scene.start();
      const session = await box.createSession();
      const turn = session.prompt("!slow 20\n!repeat 5000 word", { reject: false });
      for await (const event of session.events({ from: 1 })) if (event.type === "message.delta") break;
      const other = await scene.provider().connect(box.sandbox.id, { env: {} });
      const since = performance.now();
      await other.destroy();
      const result = await turn;
      expect(result.status).toBe("failed");
      expect(performance.now() - since).toBeLessThan(10_000);
      await box.destroy();
    });

    it("destroy() during a turn interrupts it", async () => {
      const box = await scene.start();
      const session = await box.createSession();
      const turn = session.prompt("!slow 20\n!repeat 5000 word", { reject: false });
      for await (const event of session.events({ from: 1 })) if (event.type === "message.delta") break;
      await box.destroy();
      expect((await turn).status).toBe("interrupted");
      expect((await collect(session.events({ from: 1 }))).at(-1)).toMatchObject({ type: "session.ended" });
    });
  },
  { agents: runsEverywhere },
);

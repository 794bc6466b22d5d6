import { expect, it } from "vitest";
import type { SandboxAgent, Session, Turn } from "playpen";
import { collect, describeMatrix, ofType } from "./matrix.ts";

/** Resolves at the first event of the type in the turn; the turn goes on. */
async function until(session: Session, turn: Turn, type: string): Promise<void> {
  for await (const event of session.events({ from: 1 })) {
    if (event.turnId === turn.id && event.type === type) return;
  }
}

/** In a place without isolation the machine's other processes are seen too: the number tells which are the test's own. */
function sleepTime(): string {
  return String(100_000 + Math.floor(Math.random() * 900_000));
}

/** The processes that sleep for so long. */
async function sleepersOf(box: SandboxAgent, seconds: string): Promise<string> {
  // Written so that the search does not find itself.
  const search = `grep -lsa -- "sleep[^.]${seconds}" /proc/[0-9]*/cmdline || true`;
  return (await box.exec(["sh", "-c", search])).stdout;
}

describeMatrix("an interrupt", (scene) => {
  it("stops a running tool with all its processes, and the next turn is clean", async () => {
    await using box = await scene.start();
    const session = await box.createSession();
    const seconds = sleepTime();
    const command = `touch began; sleep ${seconds} & sleep ${seconds}; touch ended`;
    const turn = session.prompt(`!shell ${command}\n!text done`, { reject: false });
    await until(session, turn, "tool.started");
    await box.exec(["sh", "-c", "until [ -e began ]; do sleep 0.05; done"], { timeoutMs: 20_000 });
    await session.interrupt();
    expect((await turn).status).toBe("interrupted");
    const tools = ofType(await collect(turn), "tool.completed");
    expect(tools.map((event) => event.status)).toEqual(["interrupted"]);
    expect((await session.prompt("!text again")).text).toBe("again");
    expect(await box.files.stat("ended")).toBeUndefined();
    await session.close();
    expect(await sleepersOf(box, seconds)).toBe("");
  });

  it("that comes as soon as a call begins leaves none of its processes either", async () => {
    await using box = await scene.start();
    const session = await box.createSession();
    await session.prompt("!text warm");
    const seconds = sleepTime();
    // What the CLI does then is a matter of luck.
    for (let round = 0; round < 8; round += 1) {
      const turn = session.prompt(`!shell sleep ${seconds}`, { reject: false });
      for await (const event of turn) if (event.type === "tool.started") break;
      expect(await sleepersOf(box, seconds)).toBe("");
    }
    expect((await session.prompt("!text again")).text).toBe("again");
    expect(await sleepersOf(box, seconds)).toBe("");
  });

  scene.it("comes from leaving the loop, from a signal and from a time limit", ["textDeltas"], async () => {
    await using box = await scene.start();
    const session = await box.createSession();
    const left = session.prompt("!slow 20\n!repeat 5000 word", { reject: false });
    for await (const event of left) if (event.type === "message.delta") break;
    expect((await left).status).toBe("interrupted");

    const controller = new AbortController();
    const aborted = session.prompt("!slow 20\n!repeat 5000 word", { signal: controller.signal });
    void until(session, aborted, "message.delta").then(() => {
      controller.abort(new Error("enough"));
    });
    await expect(aborted).rejects.toThrow("enough");

    const silent = session.prompt("!text Begun.\n!hang", { idleTimeoutMs: 700 });
    await expect(silent).rejects.toMatchObject({ code: "turn_timeout", details: { kind: "idle" } });
    expect((await session.prompt("!text fine")).text).toBe("fine");
  });
});

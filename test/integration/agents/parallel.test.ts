import { expect, it } from "vitest";
import { claude } from "playpen/claude";
import { codex } from "playpen/codex";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory, hostCliFolder } from "../../image/paths.ts";
import { collect, describeMatrix, ofType, secretKey } from "./matrix.ts";
import { SandboxAgent } from "playpen";
import { local } from "playpen/local";
import { startModelServer } from "playpen/testing";

describeMatrix(
  "sessions side by side",
  (scene) => {
    it("are kept apart: one is interrupted, the other goes on; each has its own environment", async () => {
      await using box = await scene.start();
      const [left, right] = await Promise.all([
        box.createSession({ env: { WHO: "left-session" } }),
        box.createSession({ env: { WHO: "right-session" } }),
      ]);
      expect(left.nativeSessionId === undefined || left.nativeSessionId !== right.nativeSessionId).toBe(true);
      const going = right.prompt("!shell until [ -e go-on ]; do sleep 0.05; done; echo $WHO\n!text finished");
      const stopped = left.prompt("!shell sleep 987654\n!text never", { reject: false });
      for await (const event of left.events({ from: 1 })) if (event.type === "tool.started") break;
      await left.interrupt();
      expect((await stopped).status).toBe("interrupted");
      await box.files.write("go-on", "");
      const events = await collect(going);
      expect((await going).text).toBe("finished");
      expect(ofType(events, "tool.completed").map((event) => event.output.trim())).toEqual(["right-session"]);
      const own = await collect(left.prompt("!shell echo $WHO\n!text done"));
      expect(ofType(own, "tool.completed").map((event) => event.output.trim())).toEqual(["left-session"]);
    });
  },
  { places: ["docker", "bubblewrap"] },
);

describeWith(["bubblewrap", "host-clis"], "different agents in one box", () => {
  it("work at the same time and see each other's files", async () => {
    await using server = await startModelServer();
    await using box = await SandboxAgent.start({
      sandbox: local({ readOnlyPaths: [hostCliFolder()] }),
      permissions: "allow-all",
    });
    const [writer, reader] = await Promise.all([
      box.createSession({
        agent: claude({
          baseUrl: server.url,
          command: `${hostCliDirectory()}/claude`,
          env: { ANTHROPIC_API_KEY: secretKey },
        }),
      }),
      box.createSession({
        agent: codex({
          baseUrl: `${server.url}/v1`,
          model: "stand-in",
          command: `${hostCliDirectory()}/codex`,
          env: { OPENAI_API_KEY: secretKey },
        }),
      }),
    ]);
    const [, read] = await Promise.all([
      writer.prompt("!write shared.txt from-claude\n!text written"),
      collect(
        reader.prompt("!shell until grep -q . shared.txt; do sleep 0.05; done; cat shared.txt\n!text read"),
      ),
    ]);
    expect(ofType(read, "tool.completed")[0]?.output).toContain("from-claude");
  });
});

import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { collect, completed, delta, historyOf, start } from "./support.ts";

const secret = 'hunter2-"0123456789';

describe("secrets", () => {
  it("are in no event, error or result, whoever prints them and wherever the output is cut", async () => {
    const { box } = await start(
      async (input, agent) => {
        if (input.type !== "prompt") return undefined;
        const bytes = Buffer.from(
          `${JSON.stringify({ events: [delta(`the key is ${secret}`)] })}\nplain ${secret}\n` +
            `${JSON.stringify({ events: [{ type: "agent.notice", level: "info", message: secret }] })}\n`,
        );
        for (const byte of bytes) await agent.process.write(Uint8Array.of(byte));
        for (const character of `stderr ${secret}`) await agent.process.writeError(character);
        return 1;
      },
      {},
      { env: { MY_TOKEN: secret } },
    );
    const session = await box.createSession({ includeRaw: true });
    const turn = session.prompt(`Use ${secret}`);
    const error: unknown = await turn.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "agent_exited", details: { stderr: "stderr [redacted]" } });
    const events = await collect(turn);
    expect(events.filter((event) => JSON.stringify(event).includes("[redacted]"))).toHaveLength(7);
    expect(JSON.stringify([events, error, String(error)])).not.toContain("hunter2");
  });

  it("are not in the tail of a flooded standard error, not even in part", async () => {
    const { box } = await start(
      async (input, agent) => {
        if (input.type !== "prompt") return undefined;
        // So many of them that the redacted rest is shorter than the tail, and its beginning shows.
        for (let index = 0; index < 1024; index++)
          await agent.process.writeError(`${"secret-".repeat(30)}\n`);
        return 1;
      },
      {},
      { env: { MY_TOKEN: "secret-".repeat(30) } },
    );
    const session = await box.createSession();
    const error: unknown = await session.prompt("go").catch((reason: unknown) => reason);
    expect(JSON.stringify(error)).not.toContain("secret-");
  });

  it("of MCP servers, of the session and of the backend are known too", async () => {
    const values = ["mcp-env-12345678", "mcp-header-12345678", "session-12345678", "backend-12345678"];
    const program = scriptedAgent(async (input, agent) => {
      if (input.type === "prompt") await agent.say({ events: [delta(values.join(" ")), completed] });
    });
    await using box = await SandboxAgent.start({
      sandbox: memorySandbox({ programs: { "scripted-agent": program } }),
      agent: scriptedBackend({ env: { BACKEND_KEY: values[3]! } }),
    });
    const session = await box.createSession({
      env: { SESSION_SECRET: values[2]! },
      mcpServers: {
        one: { type: "stdio", command: "x", env: { API_KEY: values[0]! } },
        two: { type: "http", url: "http://localhost", headers: { Authorization: `Bearer ${values[1]!}` } },
      },
    });
    expect((await session.prompt("go")).text).toBe(Array(4).fill("[redacted]").join(" "));
  });

  it("that a handler's error holds reach neither the agent nor the log", async () => {
    const replies: unknown[] = [];
    const { box } = await start(
      async (input, agent) => {
        const tool = { name: "Bash", kind: "execute", title: "ls", input: { command: "ls" } } as const;
        if (input.type === "prompt") {
          await agent.say({
            events: [{ type: "permission.requested", requestId: "r", tool, canRemember: false }],
          });
        }
        if (input.type === "reply") {
          replies.push(input.answer);
          await agent.say({ events: [completed] });
        }
      },
      {},
      { env: { MY_TOKEN: secret } },
    );
    const session = await box.createSession({
      permissions: () => {
        throw new Error(`GET /?token=${secret} failed`);
      },
    });
    await session.prompt("go");
    await session.close();
    expect(JSON.stringify([replies, await historyOf(session)])).not.toContain("hunter2");
  });
});

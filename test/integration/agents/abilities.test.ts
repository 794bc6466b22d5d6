import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SandboxAgent, type AgentEvent, type Session, type StartOptions } from "playpen";
import type { JsonObject, McpServers, ProcessMode } from "playpen/kit";
import { startModelServer, type ModelServer, type ModelServerOptions } from "playpen/testing";
import { mcpEchoServer } from "../../../src/testing/backend-conformance/mcp-echo-server.ts";
import {
  type CapabilityNeed,
  missingCapability,
} from "../../../src/testing/backend-conformance/capability-need.ts";
import { isEverythingWanted } from "../../image/wanted.ts";
import { collect, describeMatrix, ofType, runsEverywhere, secretKey, type Scene } from "./matrix.ts";

/**
 * What sessions may ask for beside prompts, shown by what reaches the model and what comes back. An agent takes part as
 * soon as its backend declares the ability. That each ability works at all is for the conformance suite; here is what goes
 * further.
 */

type ModelScenario = NonNullable<ModelServerOptions["scenario"]>;

/** An agent's box in one process mode, with a model of the test's own. */
interface Bench {
  readonly mode: ProcessMode;
  /** Starts a model server that plays the scenario, and a box whose agent asks it; both end with the box. */
  start(scenario?: ModelScenario, options?: Partial<StartOptions>): Promise<OpenBench>;
}

interface OpenBench extends AsyncDisposable {
  readonly box: SandboxAgent;
  readonly server: ModelServer;
}

/**
 * Declares a test for each process mode whose backend declares what is needed; for most agents that is one mode, unless
 * everything is wanted.
 */
function inModes(
  scene: Scene,
  title: string,
  needs: readonly CapabilityNeed[],
  test: (bench: Bench) => Promise<void>,
): void {
  const hasBoth = scene.agent.hasTurnMode === true && (isEverythingWanted || runsEverywhere(scene.agent));
  const modes = hasBoth ? (["session", "turn"] as const) : (["session"] as const);
  for (const mode of modes) {
    const described = scene.agent.backend({ url: "http://127.0.0.1:9", key: secretKey, mode });
    const missing = missingCapability(needs, described);
    if (missing === undefined) it(`${title}, in mode ${mode}`, () => test(benchOf(scene, mode)));
    else it.skip(`${title} [skipped: ${missing}]`, () => undefined);
  }
}

function benchOf(scene: Scene, mode: ProcessMode): Bench {
  return {
    mode,
    async start(scenario, options = {}) {
      const server = await startModelServer(scenario === undefined ? {} : { scenario });
      try {
        const agent = scene.agent.backend({
          url: server.url,
          key: secretKey,
          mode,
          ...scene.command,
        });
        const sandbox = scene.provider();
        const box = await SandboxAgent.start({ sandbox, agent, permissions: "allow-all", ...options });
        return {
          box,
          server,
          async [Symbol.asyncDispose]() {
            await box.destroy();
            await server.close();
          },
        };
      } catch (error) {
        await server.close();
        throw error;
      }
    },
  };
}

async function echoServers(box: SandboxAgent, ...names: readonly string[]): Promise<McpServers> {
  const script = `${box.cwd}/mcp-echo-server.mjs`;
  await box.files.write(script, mcpEchoServer);
  return Object.fromEntries(names.map((name) => [name, { type: "stdio", command: "node", args: [script] }]));
}

/** Calls the `echo` of two servers, by the names under which the agent offers them, or would. */
const callServers: ModelScenario = ({ tools, prompt }) => {
  const nameOf = (server: string): string => {
    const offered = tools.find(({ name, namespace = "" }) => `${namespace} ${name}`.includes(server));
    if (offered === undefined) return `mcp__${server}__echo`;
    return offered.namespace === undefined ? offered.name : `${offered.namespace}__${offered.name}`;
  };
  return [
    ...["first", "second"].map(
      (server) => ({ type: "tool", name: nameOf(server), input: { text: `by ${server}` } }) as const,
    ),
    { type: "text", text: `Done: ${prompt}` },
  ];
};

function outputs(events: readonly AgentEvent[]): readonly string[] {
  return ofType(events, "tool.completed").map(({ output }) => output);
}

async function ended(session: Session): Promise<AgentEvent[]> {
  await session.close();
  return collect(session.events({ from: 1 }));
}

describeMatrix(
  "allowed tools",
  (scene) => {
    inModes(
      scene,
      "confine a session, and no other of the box",
      ["allowedTools", "mcpServers:stdio"],
      async (bench) => {
        await using open = await bench.start(callServers);
        const { box } = open;
        const mcpServers = await echoServers(box, "first", "second");
        const free = await collect((await box.createSession({ mcpServers })).prompt("free"));
        expect(outputs(free).join()).toMatch(/echo: by first.*echo: by second/s);
        const names = ofType(free, "tool.started").map(({ name }) => name);

        const allowedTools = names.filter((name) => name.includes("first"));
        expect(allowedTools).toHaveLength(1);
        const confined = await box.createSession({ mcpServers, allowedTools });
        const events = await collect(confined.prompt("confined"));
        expect(outputs(events).join()).toContain("echo: by first");
        expect(JSON.stringify(events)).not.toContain("echo: by second");
        expect(events.at(-1)?.type).toBe("turn.completed");

        const again = await collect((await box.createSession({ mcpServers })).prompt("again"));
        expect(outputs(again).join()).toContain("echo: by second");
      },
    );

    inModes(
      scene,
      "are put to the host all the same, and the others are not",
      ["allowedTools", "permissions:ask"],
      async (bench) => {
        const asked: string[] = [];
        await using open = await bench.start(undefined, {
          permissions: ({ tool }) => {
            asked.push(tool.title);
            return "allow";
          },
        });
        const { box } = open;
        const learning = await box.createSession();
        const [shell] = ofType(await collect(learning.prompt("!shell echo one\n!text ok")), "tool.started");
        expect(shell?.kind).toBe("execute");
        expect(asked).toHaveLength(1);

        const other = await box.createSession({ allowedTools: ["no-such-tool"] });
        await collect(other.prompt("!shell touch by-shell\n!write by-write 1\n!text ok"));
        expect(asked).toHaveLength(1);
        for (const path of ["by-shell", "by-write"]) expect(await box.files.stat(path)).toBeUndefined();
      },
    );
  },
  { places: ["none"] },
);

describeMatrix("skills", (scene) => {
  inModes(scene, "are those of one session alone, side by side", ["skills"], async (bench) => {
    await using open = await bench.start();
    const { box, server } = open;
    const describing = (word: string): string =>
      `---\nname: ${word}\ndescription: Use this for rule ${word}-4711.\n---\nThe rule is ${word}.\n`;
    const skilled = (word: string): Promise<Session> =>
      box.createSession({ skills: [{ name: word, files: { "SKILL.md": describing(word) } }] });
    const [left, right, none] = await Promise.all([skilled("left"), skilled("right"), box.createSession()]);
    await Promise.all([left.prompt("!text l"), right.prompt("!text r"), none.prompt("!text n")]);
    const told = (prompt: string): string => {
      const request = server.requests.find((one) => one.prompt === prompt);
      expect(request).toBeDefined();
      return JSON.stringify(request?.body);
    };
    expect(told("!text l")).toContain("left-4711");
    expect(told("!text l")).not.toContain("right-4711");
    expect(told("!text r")).toContain("right-4711");
    expect(told("!text r")).not.toContain("left-4711");
    expect(told("!text n")).not.toMatch(/left-4711|right-4711/);
  });
});

describeMatrix(
  "thinking",
  (scene) => {
    /** What in a request tells the model how hard to think, whatever the API calls it. */
    const thinkingOf = (server: ModelServer, prompt: string): string => {
      const body = server.requests.filter((one) => one.prompt === prompt).at(-1)?.body ?? {};
      const { output_config, reasoning, reasoning_effort, thinking, generationConfig }: JsonObject = body;
      return JSON.stringify({ output_config, reasoning, reasoning_effort, thinking, generationConfig });
    };

    inModes(
      scene,
      "reaches the model, also where the session was left at another level",
      ["thinking", "resume"],
      async (bench) => {
        await using open = await bench.start();
        const { box, server } = open;
        const levels = scene.backend().capabilities.thinking;
        const [low = "", high = ""] = [levels[0], levels.at(-1)];
        const first = await box.createSession({ thinking: high });
        await first.prompt("!text high");
        const resume = first.nativeSessionId ?? "";
        await first.close();
        const second = await box.createSession({ thinking: low, resume });
        await second.prompt("!text low");
        const fresh = await box.createSession({ thinking: low });
        await fresh.prompt("!text fresh");
        expect(thinkingOf(server, "!text low")).not.toBe(thinkingOf(server, "!text high"));
        expect(thinkingOf(server, "!text low")).toBe(thinkingOf(server, "!text fresh"));
      },
    );
  },
  { places: ["none"] },
);

describeMatrix(
  "structured output",
  (scene) => {
    inModes(scene, "gives what schemas ask for that an agent's own way may not know", [], async (bench) => {
      const cases = [
        [z.object({ name: z.string().min(2), mail: z.email() }), { name: "Ada", mail: "a@b.org" }],
        [z.object({ a: z.number(), b: z.number().optional() }), { a: 1 }],
        [z.discriminatedUnion("kind", [z.object({ kind: z.literal("x") })]), { kind: "x" }],
        [z.record(z.string(), z.number()), { one: 1 }],
      ] as const;
      let value: JsonObject = {};
      await using open = await bench.start(() => [{ type: "json", value }]);
      const session = await open.box.createSession();
      for (const [schema, wanted] of cases) {
        value = wanted;
        const { output } = await session.prompt("The answer, please.", { schema });
        expect(output).toEqual(wanted);
      }
    });

    inModes(scene, "gives a list", [], async (bench) => {
      await using open = await bench.start(() => [{ type: "text", text: "[1, 2]" }]);
      const session = await open.box.createSession();
      const { output } = await session.prompt("Two numbers, please.", { schema: z.array(z.number()) });
      expect(output).toEqual([1, 2]);
    });

    inModes(scene, "fails with what is wrong where the model gives nothing else", [], async (bench) => {
      await using open = await bench.start(() =>
        Array.from({ length: 8 }, () => ({ type: "json", value: { answer: "none" } }) as const),
      );
      const session = await open.box.createSession();
      const turn = session.prompt("The answer, please.", {
        schema: z.object({ answer: z.number() }),
        repairs: 1,
      });
      await expect(turn).rejects.toMatchObject({
        code: "output_invalid",
        result: { error: { issues: [{ path: "answer" }] } },
      });
    });
  },
  { places: ["none"] },
);

describeMatrix(
  "what an agent keeps to itself",
  (scene) => {
    inModes(scene, "models are told, by the CLI or by its documentation", [], async (bench) => {
      const described = scene.agent.backend({ url: "http://127.0.0.1:9", key: secretKey, mode: bench.mode });
      const { models: source } = described.capabilities;
      await using open = await bench.start();
      const session = await open.box.createSession();
      if (source === "none") {
        await expect(session.models()).rejects.toMatchObject({ code: "unsupported" });
        return;
      }
      const list = await session.models();
      expect(list.source).toBe(source);
      expect(list.models.length).toBeGreaterThan(0);
      expect((await session.prompt("!text after")).text).toBe("after");
    });

    // There is no capability for it: an agent that tells of its servers is added here.
    if (!["claude", "codex"].includes(scene.agent.name)) return;
    inModes(scene, "an MCP server that does not start is told", ["mcpServers:stdio"], async (bench) => {
      await using open = await bench.start();
      const session = await open.box.createSession({
        mcpServers: { missing: { type: "stdio", command: "/nowhere/server", env: { TOKEN: "token-4711" } } },
      });
      const isTold = (event: AgentEvent): boolean =>
        (event.type === "session.started" || event.type === "session.updated") &&
        (event.mcpServers ?? []).some(
          ({ name, status, message = "" }) =>
            name === "missing" && status === "failed" && /no such file|not found/i.test(message),
        );
      expect((await session.prompt("!text without")).text).toBe("without");
      // It may come with the end of the turn's process.
      for await (const event of session.events({ from: 1 })) if (isTold(event)) break;
      const events = await ended(session);
      expect(events.some(isTold)).toBe(true);
      expect(JSON.stringify(events)).not.toContain("token-4711");
    });
  },
  { places: ["none"] },
);

describe("a thread of Codex's", () => {
  describeMatrix(
    "modes of work",
    (scene) => {
      scene.it(
        "is not left in a mode that the next session does not ask for",
        ["agentModes:plan"],
        async () => {
          await using box = await scene.start();
          const planning = await box.createSession({ agentMode: "plan" });
          await planning.prompt("!text planned");
          const resume = planning.nativeSessionId ?? "";
          const modes = (events: readonly AgentEvent[]): readonly unknown[] =>
            ofType(events, "session.updated").flatMap(({ mode }) => mode ?? []);
          expect(modes(await ended(planning))).toEqual(["plan"]);
          const working = await box.createSession({ resume });
          await working.prompt("!text worked");
          expect(modes(await ended(working))).toEqual(["default"]);
        },
      );
    },
    { places: ["none"], agents: ({ name }) => name === "codex" },
  );
});

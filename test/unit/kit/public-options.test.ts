import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { Session } from "../../../src/session/session.ts";
import { show, validateOptions } from "../../../src/kit/validate-options.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { echo } from "../session/support.ts";

const sandbox = memorySandbox({ programs: { "scripted-agent": scriptedAgent(echo) } });
const agent = scriptedBackend();
let box: SandboxAgent;
let session: Session;

beforeAll(async () => {
  box = await SandboxAgent.start({ sandbox, agent });
  session = await box.createSession();
});
afterAll(async () => {
  await box.destroy();
});

type Call = (options: never) => unknown;

const calls = {
  "SandboxAgent.start()": (options: never) => SandboxAgent.start(options),
  "SandboxAgent.connect()": (options: never) => SandboxAgent.connect(options),
  "box.createSession()": (options: never) => box.createSession(options),
  "box.exec()": (options: never) => box.exec(["true"], options),
  "box.detach()": (options: never) => box.detach(options),
  "session.prompt()": (options: never) => session.prompt("x", options),
  "session.events()": (options: never) => session.events(options),
} satisfies { readonly [name: string]: Call };

const notAnAgent = "an agent backend such as claude() from playpen/claude";
const notAProvider = "a sandbox provider such as docker() from playpen/docker";
const notADuration = "a number of milliseconds from 1 to 2147483647";
const notALifeTime = "a number of milliseconds above 0, at most a hundred years (3155760000000)";
const notASignal = "an AbortSignal";
const notAnInteger = "a whole number above 0";

/** Values that an option does not take, with what the error says that it wants. */
const bad: { readonly [Name in keyof typeof calls]: readonly (readonly [string, unknown, string])[] } = {
  "SandboxAgent.start()": [
    ["sandbox", {}, notAProvider],
    ["sandbox", "docker", notAProvider],
    ["agent", "claude", notAnAgent],
    ["onPermission", "allow", "a function"],
    ["onQuestion", {}, "a function"],
    ["onProgress", 1, "a function"],
    ["env", [], "an object of environment variables"],
    ["env", { "A B": "x" }, 'names are of letters, digits and _ (not "A B")'],
    ["env", { A: 1 }, "an object with a string for A"],
    ["env", { A: "x\0" }, "without a NUL character in A"],
    ["cwd", "relative", 'an absolute path such as "/workspace"'],
    ["cwd", "/a\0", "an absolute path"],
    ["labels", { a: 1 }, "an object whose values are strings"],
    ["ttlMs", 0, notALifeTime],
    ["ttlMs", 1e300, notALifeTime],
    ["signal", {}, notASignal],
  ],
  "SandboxAgent.connect()": [
    ["id", "", "a non-empty string"],
    ["sandbox", null, notAProvider],
    ["cwd", 5, "an absolute path"],
    ["signal", "now", notASignal],
  ],
  "box.createSession()": [
    ["agent", {}, notAnAgent],
    ["cwd", "here", "an absolute path"],
    ["model", "", "a non-empty string"],
    ["model", "--yolo", "does not begin with a dash"],
    ["model", "a\0", "a non-empty string"],
    ["resume", "--settings={}", "does not begin with a dash"],
    ["allowedTools", ["Bash", "--yolo"], "none of which begins with a dash"],
    ["env", { A: undefined }, "an object with a string for A"],
    ["systemPrompt", "", "{ append } or { replace }"],
    ["systemPrompt", { append: "a", replace: "b" }, "{ append } or { replace }"],
    ["mcpServers", [], "an object of MCP servers by name"],
    ["mcpServers", { "a b": { type: "stdio", command: "x" } }, 'letters, digits, - and _ only (not "a b")'],
    ["mcpServers", { a: "x" }, '"a" must be an object'],
    ["mcpServers", { a: { type: "ftp" } }, '"a" needs a type of "stdio" or "http"'],
    ["mcpServers", { a: { type: "toString" } }, '"a" needs a type of "stdio" or "http"'],
    ["mcpServers", { a: { type: "stdio" } }, '"a" needs a command'],
    [
      "mcpServers",
      { a: { type: "stdio", command: "x", args: [1] } },
      '"a" needs args to be an array of strings',
    ],
    [
      "mcpServers",
      { a: { type: "stdio", command: "x", env: { B: 1 } } },
      '"a" has a malformed env: it must be an object with a string for B',
    ],
    ["mcpServers", { a: { type: "http", url: "not one" } }, '"a" needs a url'],
    ["mcpServers", { a: { type: "http", url: "ftp://x" } }, '"a" needs a url that begins with http'],
    ["mcpServers", JSON.parse('{"__proto__":{"type":"stdio","command":"x"}}'), 'named "__proto__"'],
    ["mcpServers", { constructor: { type: "stdio", command: "x" } }, 'named "constructor"'],
    ["mcpServers", { a: { type: "stdio", command: "x\0" } }, '"a" needs a command'],
    ["mcpServers", { a: { type: "stdio", command: "x", args: ["\0"] } }, "without NUL characters"],
    [
      "mcpServers",
      { a: { type: "http", url: "http://x", headers: { "B C": "1" } } },
      '"a" has malformed headers: "B C" is no name of a header',
    ],
    [
      "mcpServers",
      { a: { type: "http", url: "http://x", headers: { B: "1\n2" } } },
      '"a" has malformed headers: "B" must be a text without line breaks',
    ],
    [
      "mcpServers",
      { a: { type: "http", url: "http://x", headers: { B: 1 } } },
      '"a" has malformed headers: "B" must be a text',
    ],
    [
      "mcpServers",
      { a: { type: "http", url: "http://x", headers: ["B"] } },
      "must be an object of texts by name",
    ],
    [
      "mcpServers",
      { a: { type: "stdio", comand: "x" } },
      '"a" has the unknown field "comand" (it may have type, command',
    ],
    ["mcpServers", { a: { type: "http", url: "http://x", env: {} } }, 'the unknown field "env"'],
    ["resume", 5, "a non-empty string"],
    ["fork", "yes", "true or false"],
    ["permissionTimeoutMs", 0, notADuration],
    ["includeRaw", 1, "true or false"],
    ["history", { maxEvents: 0 }, "an object with maxEvents and maxBytes"],
    ["history", { max: 1 }, "an object with maxEvents and maxBytes"],
    ["signal", null, notASignal],
  ],
  "box.exec()": [
    ["cwd", "", "an absolute path"],
    ["env", "A=1", "an object of environment variables"],
    ["user", 0, "a non-empty string"],
    ["input", 5, "a string or a Uint8Array"],
    ["timeoutMs", -1, notADuration],
    ["timeoutMs", 2 ** 31, notADuration],
    ["maxOutputBytes", 1.5, notAnInteger],
    ["signal", 5, notASignal],
  ],
  "box.detach()": [
    ["ttlMs", 0, "a number above 0"],
    ["ttlMs", Infinity, "a number above 0"],
    ["ttlMs", "1h", "a number above 0"],
  ],
  "session.prompt()": [
    ["signal", {}, notASignal],
    ["timeoutMs", Number.NaN, notADuration],
    ["idleTimeoutMs", "5s", notADuration],
    ["reject", "no", "true or false"],
    ["keepRunning", 0, "true or false"],
  ],
  "session.events()": [
    ["from", 0, notAnInteger],
    ["from", 1.5, notAnInteger],
    ["backpressure", "yes", "true or false"],
    ["signal", {}, notASignal],
  ],
};

/** What the minimum of options is that makes the rest of them count. */
const needed: { readonly [name: string]: object } = {
  "SandboxAgent.start()": { sandbox },
  "SandboxAgent.connect()": { sandbox, id: "x" },
};

async function failureOf(name: keyof typeof calls, options: unknown): Promise<unknown> {
  try {
    await calls[name](options as never);
  } catch (error) {
    return error;
  }
  return undefined;
}

const cases = Object.entries(bad).flatMap(([name, list]) =>
  list.map(([option, value, wanted]) => [name as keyof typeof calls, option, value, wanted] as const),
);

describe("a malformed option", () => {
  it.each(cases)("%s refuses %s: %j", async (name, option, value, wanted) => {
    const error = await failureOf(name, { ...needed[name], [option]: value });
    expect(error).toBeInstanceOf(TypeError);
    const { message } = error as TypeError;
    expect(message).toContain(`${name}: option "${option}" must be `);
    expect(message).toContain(wanted);
    // The value itself, unless it may be a secret.
    expect(message).toContain(
      /env|mcp/.test(option) ? `received ${typeof value}` : `received ${show(value)}`.slice(0, 40),
    );
  });

  it.each(Object.keys(calls) as (keyof typeof calls)[])(
    "%s refuses one that it does not know",
    async (name) => {
      for (const option of ["nonsense", "toString", "constructor"]) {
        const error = await failureOf(name, { ...needed[name], [option]: 1 });
        expect(error).toBeInstanceOf(TypeError);
        expect((error as TypeError).message).toContain(`${name}: unknown option "${option}".`);
      }
      for (const options of [null, [], "text", 5]) {
        expect(String(await failureOf(name, options))).toContain(`${name}: expected an options object`);
      }
    },
  );

  it("is corrected when it is nearly right", async () => {
    expect(String(await failureOf("session.prompt()", { timeoutMS: 5 }))).toContain(
      'Did you mean "timeoutMs"?',
    );
    expect(String(await failureOf("box.createSession()", { mcpServer: {} }))).toContain(
      'Did you mean "mcpServers"?',
    );
    expect(String(await failureOf("session.events()", { nonsense: 1 }))).toContain(
      "Known options: from, backpressure, signal.",
    );
  });

  it("never shows what may be a secret", async () => {
    for (const [name, options] of [
      ["SandboxAgent.start()", { sandbox, env: { API_KEY: "hunter2", "A B": "x" } }],
      [
        "box.createSession()",
        { mcpServers: { a: { type: "http", url: "x", headers: { Authorization: "hunter2" } } } },
      ],
    ] as const) {
      expect(String(await failureOf(name, options))).not.toContain("hunter2");
    }
  });

  it("is told from one that is missing", async () => {
    expect(String(await failureOf("SandboxAgent.start()", {}))).toContain('option "sandbox" is required');
    expect(String(await failureOf("SandboxAgent.connect()", { sandbox }))).toContain(
      'option "id" is required',
    );
    expect(String(await failureOf("SandboxAgent.connect()", { sandbox, id: "docker/5" }))).toContain(
      'belongs to provider "docker"',
    );
    expect(String(await failureOf("box.createSession()", { fork: true }))).toContain('"fork" needs "resume"');
    expect(
      String(await failureOf("SandboxAgent.start()", { sandbox, labels: { "playpen.owner": "me" } })),
    ).toContain('received "playpen.owner"');
  });

  it("of undefined is as good as none", async () => {
    const turn = session.prompt("x", { signal: undefined, timeoutMs: undefined } as object);
    expect((await turn).status).toBe("completed");
  });
});

describe("malformed permissions", () => {
  it.each([
    ["allow_all", /must be "allow-all", "deny-all", rules/],
    [5, /received 5/],
    [{ allow: "Bash" }, /permissions\.allow: must be an array/],
    [{ allow: [5] }, /permissions\.allow: a rule must look like/],
    [{ deny: ["Bash("] }, /permissions\.deny: .*received "Bash\("/],
    [{ allowed: [] }, /unknown member "allowed"/],
    [{ default: "maybe" }, /permissions\.default: .*received "maybe"/],
    [{ ask: ["Bash"] }, /no onPermission handler/],
    [{ default: "ask" }, /no onPermission handler/],
  ])("%j", async (permissions, message) => {
    const error = await failureOf("box.createSession()", { permissions });
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toMatch(message);
    expect(String(await failureOf("SandboxAgent.start()", { sandbox, permissions }))).toMatch(message);
  });
});

const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);

describe("a malformed argument", () => {
  it.each([
    ["", /prompt\[0\]: text must be a non-empty string, received ""/],
    [" \n ", /must say something, received blanks only: " \\n "/],
    [[{ type: "text", text: " " }], /must say something, received blanks only/],
    [[], /must be a string or a non-empty array of content parts, received \[\]/],
    [undefined, /must be a string or a non-empty array of content parts, received undefined/],
    [[null], /prompt\[0\]: must be a content part, received null/],
    [
      [{ type: "text", text: "a" }, { type: "video" }],
      /prompt\[1\]: type must be "text", "image" or "file", received "video"/,
    ],
    [[{ type: "image", data: new Uint8Array([1, 2, 3]), mediaType: "image/png" }], /data is no image\/png/],
    [[{ type: "image", data: jpeg, mediaType: "image/webp" }], /data is no image\/webp/],
    [[{ type: "file", name: "é".repeat(101), data: "x" }], /at most 200 bytes/],
    [[{ type: "file", name: "a\u0007b", data: "x" }], /control characters/],
    [Array.from({ length: 101 }, () => ({ type: "text", text: "x" })), /at most 100 content parts/],
    [[{ type: "image", data: "x" }], /data must be a Uint8Array of the image/],
    [
      [{ type: "image", data: new Uint8Array(), mediaType: "image/bmp" }],
      /mediaType must be one of .*received "image\/bmp"/,
    ],
    [[{ type: "file", name: "../x", data: "" }], /name must be a plain file name.*received "..\/x"/],
    [[{ type: "file", name: "..", data: "" }], /name must be a plain file name/],
    [[{ type: "file", name: "x" }], /data must be a Uint8Array or a string/],
  ])("of session.prompt: %j", (input, message) => {
    expect(() => session.prompt(input as never)).toThrow(TypeError);
    expect(() => session.prompt(input as never)).toThrow(message);
  });

  it("of session.prompt: what is too large", () => {
    const data = new Uint8Array(20 * 1024 * 1024 + 1);
    expect(() => session.prompt([{ type: "image", data, mediaType: "image/png" }])).toThrow(
      /20 MiB at most, received 20971521 bytes.*box.files.write/,
    );
    const text = "x".repeat(100 * 1024 * 1024 + 1);
    expect(() => session.prompt([{ type: "file", name: "x", data: text }])).toThrow(/100 MiB at most/);
  });

  it.each([
    [[], /argv must be an array of strings/],
    ["npm test", /received "npm test".*\["sh", "-c", line\]/],
    [[""], /argv must be an array of strings/],
    [["a", 5], /argv must be an array of strings/],
    [["a", "b\0"], /holds a NUL character/],
  ])("of box.exec: %j", async (argv, message) => {
    const running = box.exec(argv as never);
    await expect(running).rejects.toThrow(TypeError);
    await expect(running).rejects.toThrow(message);
  });

  it("of the smaller methods", async () => {
    expect(() => session.onEvent(undefined as never)).toThrow(TypeError);
    await expect(session.setModel("")).rejects.toThrow(TypeError);
    await expect(session.setModel("--yolo")).rejects.toThrow("does not begin with a dash");
    await expect(session.setModel(5 as never)).rejects.toThrow(TypeError);
  });
});

describe("what a backend cannot do", () => {
  it.each([
    [{ resume: false }, { resume: "x" }, "resume"],
    [{ fork: false }, { resume: "x", fork: true }, "fork"],
    [{ systemPrompt: ["append"] }, { systemPrompt: { replace: "x" } }, "systemPrompt: { replace }"],
    [
      { mcpServers: ["stdio"] },
      { mcpServers: { a: { type: "http", url: "http://x" } } },
      'MCP server a of type "http"',
    ],
    [{ permissions: ["allow-all"] }, { permissions: "deny-all" }, 'permissions: "deny-all"'],
    [{ permissions: ["allow-all"] }, { permissions: { allow: [] } }, "a decision about every tool call"],
  ] as const)("is refused before anything starts: %j", async (capabilities, options, feature) => {
    const before = sandbox.started.length;
    const error = await failureOf("box.createSession()", {
      ...options,
      agent: scriptedBackend({ capabilities }),
    });
    expect(error).toMatchObject({ code: "unsupported", details: { subject: "scripted" } });
    expect((error as Error).message).toContain(feature);
    expect(sandbox.started.length).toBe(before);
  });
});

describe("show", () => {
  it("gives a short text of anything", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const odd = [null, undefined, NaN, 5n, Symbol("s"), () => 1, loop, "x".repeat(200)];
    expect(odd.map(show)).toEqual([
      "null",
      "undefined",
      "NaN",
      "5",
      "Symbol(s)",
      "a function",
      "an object that refers to itself",
      `"${"x".repeat(76)}…`,
    ]);
  });

  it("is taken for the known one that begins with it", () => {
    expect(() => {
      validateOptions("x", { memory: 1 }, { memoryBytes: () => undefined, mounts: () => undefined });
    }).toThrow('unknown option "memory". Did you mean "memoryBytes"?');
  });

  it("is not fooled by an object without a prototype", () => {
    expect(() => {
      validateOptions("x", Object.assign(Object.create(null) as object, { a: 1 }), { a: () => undefined });
    }).not.toThrow();
  });
});

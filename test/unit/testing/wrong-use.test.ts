import { describe, expect, it } from "vitest";
import { SandboxAgent } from "playpen";
import {
  checkEventInvariants,
  describeBackendConformance,
  describeProviderConformance,
  memorySandbox,
  scripted,
} from "playpen/testing";

const framework = {
  describe: () => undefined,
  it: Object.assign(() => undefined, { skip: () => undefined }),
};
const create = (): never => expect.unreachable("nothing is made");

/** What a program in plain JavaScript may come up with, and what it is told. */
const calls: readonly (readonly [string, (...args: never[]) => unknown, readonly unknown[], string])[] = [
  ["scripted()", scripted, [], "expected an options object, received undefined"],
  ["scripted()", scripted, [{}], 'option "events" must be an array of events, or a function that gives one'],
  [
    "scripted()",
    scripted,
    [{ events: "hello" }],
    'option "events" must be an array of events, or a function',
  ],
  ["scripted()", scripted, [{ evnts: [] }], 'unknown option "evnts". Did you mean "events"?'],
  [
    "scripted()",
    scripted,
    [{ events: [], startError: "no" }],
    'option "startError" must be an object with code',
  ],
  ["memorySandbox()", memorySandbox, [], "expected an options object, received undefined"],
  ["memorySandbox()", memorySandbox, [{}], 'option "programs" must be an object of functions by the name'],
  [
    "memorySandbox()",
    memorySandbox,
    [{ programs: { a: "b" } }],
    'option "programs" must be an object of functions',
  ],
  ["memorySandbox()", memorySandbox, [{ programs: {}, handledSignals: "SIGTERM" }], "an array of strings"],
  ["checkEventInvariants()", checkEventInvariants, [], "events must be an array, received undefined"],
  ["checkEventInvariants()", checkEventInvariants, [{}], "events must be an array, received {}"],
  ["describeProviderConformance", describeProviderConformance, [], "{ describe, it } of a test framework"],
  [
    "describeProviderConformance",
    describeProviderConformance,
    [{ describe, it: 5 }, { create }],
    "{ describe, it }",
  ],
  ["describeProviderConformance", describeProviderConformance, [framework], "expected an options object"],
  [
    "describeProviderConformance",
    describeProviderConformance,
    [framework, {}],
    'option "create" must be a function',
  ],
  ["describeProviderConformance", describeProviderConformance, [framework, { create, skips: {} }], '"skip"?'],
  ["describeBackendConformance", describeBackendConformance, [{}], "{ describe, it } of a test framework"],
  [
    "describeBackendConformance",
    describeBackendConformance,
    [framework, {}],
    'option "backend" must be a function',
  ],
  [
    "describeBackendConformance",
    describeBackendConformance,
    [framework, { backend: create }],
    'option "sandbox" must be a function',
  ],
  [
    "describeBackendConformance",
    describeBackendConformance,
    [framework, { backend: create, sandbox: create, patienceMs: "1s" }],
    'option "patienceMs" must be a number of milliseconds',
  ],
];

describe("what is called with something else than it takes", () => {
  it.each(calls)("%s", (name, call, args, message) => {
    const calling = (): unknown => call(...(args as never[]));
    expect(calling).toThrow(TypeError);
    expect(calling).toThrow(`${name}: `);
    expect(calling).toThrow(message);
  });
});

const wrongSteps: readonly (readonly [unknown, string])[] = [
  [5, "must be an event, { pauseMs } or { fault }, received 5"],
  [null, "received null"],
  [{ faul: "crash" }, 'received {"faul":"crash"}'],
  [{ fault: "explode" }, 'has a fault that is none of "crash", "hang", "garbage", "lose-sandbox": "explode"'],
  [{ pauseMs: "1s" }, 'needs a pauseMs of 0 or more milliseconds, received "1s"'],
  [{ type: "mesage.delta" }, 'has a type that no agent tells: "mesage.delta"'],
  [{ type: "turn.queued", position: 0 }, 'has a type that no agent tells: "turn.queued"'],
  [{ type: "message.delta", text: "x" }, '(message.delta) needs another "messageId" than undefined'],
  [{ type: "turn.completed" }, '(turn.completed) needs another "stopReason" than undefined'],
];

describe("a step that no script can play", () => {
  const fine = { type: "message.delta", messageId: "1", text: "x" } as const;

  it.each(wrongSteps)("%j is told at once", (step, message) => {
    const calling = (): unknown => scripted({ events: [fine, step] as never });
    expect(calling).toThrow(TypeError);
    expect(calling).toThrow('scripted(): option "events": step 1 ');
    expect(calling).toThrow(message);
  });

  it.each([
    ["gives it", (): unknown => [{ type: "mesage.delta" }], "step 0 has a type that no agent tells"],
    ["gives none", (): unknown => undefined, "must give an array of events, received undefined"],
    [
      "throws",
      (): unknown => {
        throw new Error("there is no such prompt");
      },
      "there is no such prompt",
    ],
  ])("ends the turn, which says so, when a function %s", async (_, events, message) => {
    await using box = await SandboxAgent.start(scripted({ events: events as never }));
    const session = await box.createSession();
    await expect(session.prompt("x")).rejects.toMatchObject({
      code: "agent_exited",
      details: { stderr: expect.stringContaining(message) as string },
    });
  });
});

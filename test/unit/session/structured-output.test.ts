import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as valibot from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { PromptOptions, SandboxAgentError } from "../../../src/index.ts";
import { answer, collect, completed, echo, eventOf, start, type Handler } from "./support.ts";

const schema = z.object({ name: z.string(), count: z.number().int() });
const good = { name: "apples", count: 3 };

/** Answers each prompt with the next of the texts, the last one for ever. */
function answering(...texts: readonly string[]): { readonly handler: Handler; readonly prompts: string[] } {
  const prompts: string[] = [];
  const handler: Handler = async (input, agent) => {
    if (input.type !== "prompt") return;
    prompts.push(input.text);
    await answer(agent, texts[Math.min(prompts.length, texts.length) - 1] ?? "");
  };
  return { handler, prompts };
}

const prompted = { capabilities: { structuredOutput: "prompted" } } as const;

describe("a prompt with a schema", () => {
  it.each([
    ["zod", schema],
    ["arktype", type({ name: "string", count: "number.integer" })],
    ["valibot", toStandardJsonSchema(valibot.object({ name: valibot.string(), count: valibot.number() }))],
  ])("gives the output of a schema of %s", async (_, given) => {
    const { handler, prompts } = answering(JSON.stringify(good));
    const { box } = await start(handler, prompted);
    const session = await box.createSession();
    const { output, text } = await session.prompt("How many?", { schema: given });
    expect(output).toEqual(good);
    expect(text).toBe(JSON.stringify(good));
    expect(prompts[0]).toContain("How many?");
    expect(prompts[0]).toContain('"count"');
  });

  it.each([
    ["jsonSchema", { jsonSchema: { type: "object" } }],
    ["repairs", { repairs: 1 }],
  ])("is what %s goes with", async (name, options) => {
    const { box } = await start(echo);
    const session = await box.createSession();
    expect(() => session.prompt("How many?", options as object)).toThrow(
      `session.prompt(): option "${name}" goes with "schema"`,
    );
  });

  it("gives what the schema makes of it", async () => {
    const { box } = await start(answering('{"at":"2026-01-02"}').handler, prompted);
    const session = await box.createSession();
    const dated = z.object({ at: z.iso.date().transform((day) => day.split("-").map(Number)) });
    expect((await session.prompt("When?", { schema: dated })).output.at).toEqual([2026, 1, 2]);
  });

  it("hands the schema to an agent that knows structured output, and validates what it gives all the same", async () => {
    const asked: unknown[] = [];
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      asked.push(input.outputSchema);
      const output = asked.length === 1 ? { name: "apples", count: "three" } : good;
      await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn", output }] });
    });
    const session = await box.createSession();
    expect((await session.prompt("How many?", { schema })).output).toEqual(good);
    expect(asked).toEqual([
      expect.objectContaining({ type: "object" }),
      expect.objectContaining({ type: "object" }),
    ]);
  });

  it("asks again with what is wrong, within the same turn", async () => {
    const { handler, prompts } = answering(
      "three apples",
      '{"name":"apples","count":1.5}',
      JSON.stringify(good),
    );
    const { box } = await start(handler, prompted);
    const session = await box.createSession();
    const turn = session.prompt("How many?", { schema });
    const events = await collect(turn);
    expect((await turn).output).toEqual(good);
    expect(events.filter(({ type: of }) => of === "output.rejected")).toMatchObject([
      { attempt: 1, maxAttempts: 2, issues: [{ path: "" }], turnId: turn.id },
      { attempt: 2, issues: [{ path: "count" }] },
    ]);
    expect(events.filter(({ type: of }) => of.startsWith("turn."))).toHaveLength(3);
    expect(prompts[1]).toContain("no JSON");
    expect(prompts[2]).toContain("count: ");
  });

  it("fails with the issues when the output stays wrong, never with a wrong value", async () => {
    const { handler, prompts } = answering('{"name":"apples"}');
    const { box } = await start(handler, prompted);
    const session = await box.createSession();
    const error = await session.prompt("How many?", { schema, repairs: 1 }).then(
      () => undefined,
      (reason: unknown) => reason as SandboxAgentError<"output_invalid">,
    );
    expect(error).toMatchObject({
      code: "output_invalid",
      details: { issues: [{ path: "count" }] },
      result: { status: "failed", text: '{"name":"apples"}' },
    });
    expect(error?.result).not.toHaveProperty("output");
    expect(prompts).toHaveLength(2);
    const result = await session.prompt("Again?", { schema, repairs: 0, reject: false });
    expect(result.output).toBeUndefined();
    expect(prompts).toHaveLength(3);
  });

  it("adds up the usage of all that was asked", async () => {
    let count = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      count += 1;
      const usage = { inputTokens: 10, outputTokens: count };
      await agent.say({ events: [{ type: "usage.updated", usage }] });
      const output = count === 3 ? good : undefined;
      await agent.say({
        events: [
          { type: "turn.completed", stopReason: "end_turn", usage, costUsd: 0.5, ...(output && { output }) },
        ],
      });
    });
    const session = await box.createSession();
    const turn = session.prompt("How many?", { schema });
    const events = await collect(turn);
    expect(await turn).toMatchObject({ usage: { inputTokens: 30, outputTokens: 6 }, costUsd: 1.5 });
    expect(
      events.flatMap((event) => (event.type === "usage.updated" ? [event.usage.inputTokens] : [])),
    ).toEqual([10, 20, 30]);
    expect(session.usage).toEqual({ inputTokens: 30, outputTokens: 6 });
  });

  it("can be interrupted while the output is being validated", async () => {
    const { box } = await start(answering("{}").handler, prompted);
    const session = await box.createSession();
    let validating: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (validating = resolve));
    const never = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          validating();
          return new Promise<never>(() => undefined);
        },
      },
    } as const;
    const turn = session.prompt("go", { schema: never, jsonSchema: { type: "object" } });
    await reached;
    await turn.interrupt();
    await expect(turn).rejects.toMatchObject({ code: "turn_interrupted" });
    expect((await session.prompt("next", { schema: z.object({}) })).output).toEqual({});
  });

  it("survives a schema that throws", async () => {
    const { box } = await start(answering("{}").handler, prompted);
    const session = await box.createSession();
    const throwing = z.object({}).refine(() => {
      throw new Error("The host's own mistake.");
    });
    await expect(session.prompt("go", { schema: throwing, repairs: 0 })).rejects.toMatchObject({
      code: "output_invalid",
      details: { issues: [{ message: expect.stringContaining("own mistake") as string }] },
    });
  });

  it("refuses what is no schema, or cannot be shown to an agent, before anything is asked", async () => {
    const { handler, prompts } = answering("{}");
    const { box } = await start(handler, prompted);
    const session = await box.createSession();
    const ask = (options: object) => () => session.prompt("go", options as PromptOptions);
    expect(ask({ schema: { type: "object" } })).toThrow('option "schema" must be a Standard Schema');
    expect(ask({ schema: "string" })).toThrow('option "schema" must be a Standard Schema');
    expect(ask({ schema: valibot.string() })).toThrow("toStandardJsonSchema() of @valibot/to-json-schema");
    expect(ask({ schema: z.date() })).toThrow('Pass one as option "jsonSchema"');
    expect(ask({ schema, repairs: -1 })).toThrow('option "repairs" must be a whole number, 0 or above');
    expect(ask({ schema, jsonSchema: "{}" })).toThrow('option "jsonSchema" must be a JSON Schema');
    expect(prompts).toEqual([]);
    expect(session.status).toBe("idle");
  });

  it.each([
    [{ type: "nonsense" }, 'a JSON Schema, but at /type "nonsense" is no type'],
    [{ type: ["string", 5] }, "at /type 5 is no type"],
    [{ type: [] }, "at /type [] is no type"],
    [{ properties: 5 }, "at /properties 5 is no object of schemas"],
    [{ properties: { a: { items: "string" } } }, 'at /properties/a/items "string" is no schema'],
    [{ items: [{}, 5] }, "at /items/1 5 is no schema"],
    [{ anyOf: {} }, "at /anyOf {} is no array of schemas"],
    [{ oneOf: [{ required: "a" }] }, 'at /oneOf/0/required "a" is no array of names'],
    [{ enum: "a" }, 'at /enum "a" is no array'],
    [{ minimum: "1" }, 'at /minimum "1" is no number'],
    [{ $ref: "#/$defs/none" }, 'at /$ref there is no "#/$defs/none"'],
    [{ $ref: 5 }, "at /$ref there is no 5"],
  ])("refuses as a JSON Schema %j", async (jsonSchema, message) => {
    const { box } = await start(answering("{}").handler, prompted);
    const session = await box.createSession();
    const ask = (): unknown => session.prompt("go", { schema, jsonSchema });
    expect(ask).toThrow(TypeError);
    expect(ask).toThrow(message);
  });

  it.each([
    {},
    { type: ["object", "null"], properties: { "a/b": { $ref: "#/$defs/a~1b" } }, $defs: { "a/b": true } },
    { $ref: "#", $defs: { "a b": { type: "string" } }, items: { $ref: "#/$defs/a%20b" } },
    { $ref: "https://example.org/schema", enum: [1], minimum: 1, additionalProperties: false },
    { items: [{ type: "string" }, false], prefixItems: [{}], anyOf: [{ not: {} }] },
  ])("takes as a JSON Schema %j", async (jsonSchema) => {
    const { box } = await start(answering(JSON.stringify(good)).handler, prompted);
    const session = await box.createSession();
    expect((await session.prompt("go", { schema, jsonSchema })).output).toEqual(good);
  });

  it("lets a failure be a failure", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      const error = { code: "rate_limited", message: "Too fast.", retryable: true } as const;
      await agent.say({ events: [{ type: "turn.failed", error }] });
    });
    const session = await box.createSession();
    await expect(session.prompt("go", { schema })).rejects.toMatchObject({ code: "rate_limited" });
  });

  it("ends when the session is closed in between", async () => {
    const { handler } = answering("no");
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt" && input.text.includes("does not follow")) return;
      return handler(input, agent);
    }, prompted);
    const session = await box.createSession();
    const turn = session.prompt("go", { schema, reject: false });
    await eventOf(session, "output.rejected");
    await session.close();
    expect(await turn).toMatchObject({ status: "interrupted" });
  });

  it("leaves other prompts alone", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await agent.say({ events: [completed] });
    });
    const session = await box.createSession();
    expect(await session.prompt("go")).toMatchObject({ status: "completed", text: "" });
  });
});

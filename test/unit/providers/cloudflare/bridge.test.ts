import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Base64Decoder, toBase64 } from "../../../../providers/cloudflare/bridge/base64.ts";
import { commandEvents } from "../../../../providers/cloudflare/bridge/command-events.ts";
import { Refusal, refusalOf } from "../../../../providers/cloudflare/bridge/refusal.ts";
import { importsOf, reachableFrom } from "../../../gate/source-files.ts";

describe("the source of the bridge", () => {
  it("needs nothing that a Worker has not", () => {
    const files = reachableFrom("providers/cloudflare/bridge/index.ts");
    expect(files.filter((file) => !file.startsWith("providers/cloudflare/bridge/"))).toEqual([]);
    expect(files.flatMap(importsOf).filter(({ file }) => file === undefined)).toEqual([]);
  });
});

describe("base64 of the bridge, where the runtime has none of its own", () => {
  it("is the usual one, cut anywhere, with line feeds anywhere", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.integer({ min: 1, max: 97 }), (bytes, step) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        const decoder = new Base64Decoder();
        const parts: Uint8Array[] = [];
        for (let from = 0; from < text.length; from += step) {
          parts.push(decoder.push(`${text.slice(from, from + step)}\n`));
        }
        expect(Buffer.concat(parts).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe("events of a command", () => {
  const streamOf = (bytes: Uint8Array, step: number): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start: (controller) => {
        for (let from = 0; from < bytes.length; from += step)
          controller.enqueue(bytes.subarray(from, from + step));
        controller.close();
      },
    });
  const said = async (text: string, step = 1000): Promise<readonly unknown[]> => {
    const all: unknown[] = [];
    const stream = streamOf(new TextEncoder().encode(text), step);
    for await (const event of commandEvents(stream)) all.push(event);
    return all;
  };
  const event = (fields: object): string => `data: ${JSON.stringify(fields)}\n\n`;

  it("are the same wherever the stream is cut", async () => {
    const text = [
      ": a comment\n\n",
      event({ type: "start", command: "x" }),
      event({ type: "stdout", data: "ü\n\n€" }),
      "data: no JSON\n\n",
      event({ type: "stderr", data: "e" }),
      event({ type: "complete", exitCode: 3, result: {} }),
    ].join("");
    for (let step = 1; step < 40; step++) {
      expect(await said(text, step)).toEqual([
        { type: "stdout", data: "ü\n\n€" },
        { type: "stderr", data: "e" },
        { type: "exit", code: 3 },
      ]);
    }
  });

  it.each([
    ["nothing", "", 502],
    ["no end", event({ type: "stdout", data: "x" }), 502],
    ["an error", event({ type: "error", error: "it broke" }), 502],
    ["the word of a container that is another one", event({ type: "stdout", data: "playpen-gone\n" }), 404],
  ])("end with an error where there is %s", async (_what, text, status) => {
    expect((await said(text)).at(-1)).toMatchObject({ type: "error", status });
  });
});

describe("a refusal", () => {
  it("has no secret in its words, and few words", () => {
    const error = new Error(`it failed with top-secret and ${"x".repeat(1000)}`);
    const { message, status } = refusalOf(error, "run", ["top-secret", "it"]);
    expect(message).toContain("It could not run: it failed with *** and");
    expect([message.length < 350, status]).toEqual([true, 502]);
  });

  it("is one of too many requests where nothing was carried out for want of room", () => {
    const overloaded = Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
    const full = new Error("Maximum number of running container instances exceeded.");
    expect([overloaded, full].map((error) => refusalOf(error, "run").status)).toEqual([429, 429]);
    expect(refusalOf(new Refusal(409, "there"), "run")).toMatchObject({ status: 409, message: "there" });
    expect(refusalOf("text", "run").message).toBe("It could not run: text");
  });
});

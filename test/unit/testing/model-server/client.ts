import { isJsonObject, parseJson } from "../../../../src/kit/json.ts";
import type { JsonObject } from "../../../../src/spec/json.ts";
import type { ModelServer } from "../../../../src/testing/model-server/index.ts";

/** A client of the stand-in, with the requests that the CLIs would send. */
export function post(
  server: ModelServer,
  path: string,
  body: unknown,
  init: { readonly headers?: Record<string, string>; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${server.url}${path}`, { method: "POST", body: JSON.stringify(body), ...init });
}

/** The events of a stream; what came before a broken connection counts. */
export async function readEvents(response: Response): Promise<{ events: JsonObject[]; broken: boolean }> {
  const { text, broken } = await readText(response);
  return { events: parseEvents(text), broken };
}

/** The lines of a stream whose events have data only; what is no event stays as it is. */
export async function readLines(response: Response): Promise<{ lines: string[]; broken: boolean }> {
  const { text, broken } = await readText(response);
  const blocks = text.split("\n\n");
  if (blocks.pop() !== "") throw new Error("the last event is not complete");
  return { lines: blocks.filter((block) => block !== ":"), broken };
}

async function readText(response: Response): Promise<{ text: string; broken: boolean }> {
  let text = "";
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
  } catch {
    return { text, broken: true };
  }
  return { text, broken: false };
}

function parseEvents(text: string): JsonObject[] {
  const events: JsonObject[] = [];
  for (const block of text.split("\n\n")) {
    if (block === "" || block.startsWith(":")) continue;
    const match = /^event: (\S+)\ndata: (.*)$/.exec(block);
    const data = parseJson(match?.[2] ?? "");
    if (!isJsonObject(data) || data["type"] !== match?.[1]) throw new Error(`no event: ${block}`);
    events.push(data);
  }
  return events;
}

/** An object at a path of keys, or a failure. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of keys) {
    if (typeof found !== "object" || found === null) throw new Error(`nothing at ${keys.join(".")}`);
    found = Reflect.get(found, key);
  }
  return found;
}

export function types(events: readonly JsonObject[]): unknown[] {
  return events.map((event) => event["type"]);
}

/** The values of the events of a type, at a path of keys. */
export function collect(events: readonly JsonObject[], type: string, ...keys: string[]): unknown[] {
  return events.filter((event) => event["type"] === type).map((event) => at(event, ...keys));
}

import { isJsonObject, parseJson } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";

/** Numbers that look like chance and are the same every time, so that a failure comes again. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    // Mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  oneOf<Value>(values: readonly Value[]): Value | undefined {
    return values[this.below(values.length)];
  }
}

const oddValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e300,
  "",
  "text",
  [],
  {},
  [null],
  { type: "text" },
  { id: 1 },
  ["a", 1, {}],
];

const oddLines: readonly string[] = [
  "{",
  "null",
  "[]",
  "0",
  '""',
  "\u0000",
  "\ud800",
  '{"type":null}',
  '{"__proto__":{"type":"result"}}',
  '{"jsonrpc":"2.0"}',
  '{"jsonrpc":"2.0","id":1}',
  '{"jsonrpc":"2.0","id":"x","result":null}',
  '{"jsonrpc":"2.0","id":7,"error":null}',
  '{"method":"","params":[]}',
];

/**
 * Makes lines that a CLI might print one day: recorded ones whose members are other values, are missing or come from
 * other lines, pieces of lines, and what is no message at all.
 */
export function arbitraryLines(
  recorded: readonly string[],
  { rounds, linesPerRound }: { readonly rounds: number; readonly linesPerRound: number },
): readonly (readonly string[])[] {
  const chance = new Chance(recorded.length + 1);
  const messages = recorded.map(parseJson).filter(isJsonObject);
  const line = (): string => {
    const kind = chance.below(8);
    const message = chance.oneOf(messages);
    if (kind === 0 || message === undefined) return chance.oneOf(oddLines) ?? "{";
    if (kind === 1) return JSON.stringify(message).slice(0, 1 + chance.below(200));
    return JSON.stringify(changed(message, messages, chance)) || "{";
  };
  return Array.from({ length: rounds }, () => Array.from({ length: linesPerRound }, line));
}

/** Changes one to three members, at any depth. */
function changed(message: JsonObject, others: readonly JsonObject[], chance: Chance): JsonObject {
  const copy = structuredClone(message) as Record<string, unknown>;
  for (let count = 1 + chance.below(3); count > 0; count--) {
    let place = copy;
    for (let depth = chance.below(4); depth > 0; depth--) {
      const inner = chance.oneOf(Object.values(place).filter((value) => typeof value === "object"));
      if (inner === undefined || inner === null) break;
      place = inner as Record<string, unknown>;
    }
    const name = chance.oneOf(Object.keys(place));
    if (name === undefined) continue;
    const how = chance.below(4);
    if (how === 0) Reflect.deleteProperty(place, name);
    else if (how === 1)
      place[name] = structuredClone(chance.oneOf(Object.values(chance.oneOf(others) ?? {})));
    else place[name] = structuredClone(chance.oneOf(oddValues));
  }
  return copy;
}

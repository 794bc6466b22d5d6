import type { JsonObject } from "../spec/json.ts";

/** Parses a line; `undefined` when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether it is an object: neither `null` nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member when it is an object, else an empty one: chains of optional members need no check of their own. */
export function objectField(value: unknown, name: string): JsonObject {
  const member = isJsonObject(value) ? value[name] : undefined;
  return isJsonObject(member) ? member : {};
}

/** The member when it is a string; `undefined` for every other value, and for what is no object. */
export function stringField(value: unknown, name: string): string | undefined {
  const member = isJsonObject(value) ? value[name] : undefined;
  return typeof member === "string" ? member : undefined;
}

/** The member when it is a finite number; `undefined` for every other value, and for what is no object. */
export function numberField(value: unknown, name: string): number | undefined {
  const member = isJsonObject(value) ? value[name] : undefined;
  return typeof member === "number" && Number.isFinite(member) ? member : undefined;
}

/** The member when it is `true` or `false`; `undefined` for every other value, and for what is no object. */
export function booleanField(value: unknown, name: string): boolean | undefined {
  const member = isJsonObject(value) ? value[name] : undefined;
  return typeof member === "boolean" ? member : undefined;
}

/** The member when it is an array, else an empty one. */
export function arrayField(value: unknown, name: string): readonly unknown[] {
  const member = isJsonObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? member : [];
}

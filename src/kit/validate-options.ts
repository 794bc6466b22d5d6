import { isJsonObject } from "./json.ts";

/** Checks one option's value; returns what it should have been, or `undefined` when it is right. */
export type OptionCheck = (value: unknown) => string | undefined;

/** Takes any text but an empty one. */
export const isString: OptionCheck = (value) =>
  typeof value === "string" && value !== "" ? undefined : "a non-empty string";

/** What becomes an argument of a CLI: with a dash in front it would be an option, and the next argument its value. */
export const isArgument: OptionCheck = (value) =>
  typeof value === "string" && /^[^-\0][^\0]*$/.test(value)
    ? undefined
    : "a non-empty string that does not begin with a dash";

/** Takes `true` and `false`. */
export const isBoolean: OptionCheck = (value) => (typeof value === "boolean" ? undefined : "true or false");

/** Takes functions. */
export const isFunction: OptionCheck = (value) => (typeof value === "function" ? undefined : "a function");

/** Takes 1, 2, 3 and so on. */
export const isPositiveInteger: OptionCheck = (value) =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0
    ? undefined
    : "a whole number above 0";

/** Takes finite numbers above 0. */
export const isPositiveNumber: OptionCheck = (value) =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? undefined : "a number above 0";

/** Takes milliseconds that a timer can count. */
export const isDurationMs: OptionCheck = (value) =>
  // A Node timer with a longer delay than this fires at once.
  typeof value === "number" && value > 0 && value <= 2_147_483_647
    ? undefined
    : "a number of milliseconds from 1 to 2147483647";

/** Takes paths that begin with a slash. */
export const isAbsolutePath: OptionCheck = (value) =>
  typeof value === "string" && value.startsWith("/") && !value.includes("\0")
    ? undefined
    : 'an absolute path such as "/workspace"';

/** Takes objects of texts, empty ones too. */
export const isStringRecord: OptionCheck = (value) =>
  isJsonObject(value) && Object.values(value).every((item) => typeof item === "string")
    ? undefined
    : "an object whose values are strings";

/** Takes arrays of texts, empty ones too. */
export const isStringArray: OptionCheck = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "an array of strings";

/** Takes what can be the environment of a process. The values are not in its words: they may be secrets. */
export const isEnvironment: OptionCheck = (value) => {
  if (!isJsonObject(value)) return "an object of environment variables";
  for (const [name, item] of Object.entries(value)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return `an object whose names are of letters, digits and _ (not ${quote(name)})`;
    }
    if (typeof item !== "string") return `an object with a string for ${name}`;
    if (item.includes("\0")) return `an object without a NUL character in ${name}`;
  }
  return undefined;
};

/** Takes abort signals. */
export const isAbortSignal: OptionCheck = (value) =>
  value instanceof AbortSignal ? undefined : "an AbortSignal";

/** Makes a check that takes these words. */
export function isOneOf(...values: readonly string[]): OptionCheck {
  return (value) =>
    typeof value === "string" && values.includes(value)
      ? undefined
      : `one of ${values.map(quote).join(", ")}`;
}

const isCommand: OptionCheck = (value) =>
  isString(value) === undefined ||
  (Array.isArray(value) && value.length > 0 && value.every((item) => isString(item) === undefined))
    ? undefined
    : "the name of an executable, or a non-empty array of it and its first arguments";

const isUrl: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value)
    ? undefined
    : "an address that begins with http:// or https://";

/** The checks of `BackendOptions`; a backend adds those of its own options. */
export const backendOptionChecks = {
  model: isArgument,
  env: isEnvironment,
  baseUrl: isUrl,
  command: isCommand,
  mode: isOneOf("session", "turn"),
  extraArgs: isStringArray,
  install: isBoolean,
} as const;

/**
 * Checks an options object before anything starts. Unknown names are refused, so that a misspelt option is not
 * silently ignored.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function validateOptions(
  owner: string,
  options: unknown,
  checks: { readonly [name: string]: OptionCheck },
): void {
  if (!isJsonObject(options)) {
    throw new TypeError(`${owner}: expected an options object, received ${show(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    const optionCheck = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (optionCheck === undefined) {
      throw new TypeError(`${owner}: unknown option ${quote(name)}.${suggestion(name, Object.keys(checks))}`);
    }
    if (value === undefined) continue;
    const expected = optionCheck(value);
    if (expected !== undefined) {
      const received = /env|header|secret|key|token|mcp|setup/i.test(name) ? typeof value : show(value);
      throw new TypeError(`${owner}: option ${quote(name)} must be ${expected}, received ${received}.`);
    }
  }
}

function suggestion(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase();
  const isNear = (item: string): boolean => editDistance(item, lower) <= 2;
  const isStart = (item: string): boolean => lower.length > 2 && item.startsWith(lower);
  const near =
    known.find((item) => isNear(item.toLowerCase())) ?? known.find((item) => isStart(item.toLowerCase()));
  return near === undefined ? ` Known options: ${known.join(", ")}.` : ` Did you mean ${quote(near)}?`;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** A short text of any value, for an error message. */
export function show(value: unknown): string {
  // Numbers that JSON does not know among them.
  if (value === null || value === undefined || typeof value === "number") return String(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  let text: string;
  try {
    // An object whose toJSON gives nothing has no text.
    const json: unknown = JSON.stringify(value);
    text = typeof json === "string" ? json : typeof value;
  } catch {
    text = `an ${typeof value} that refers to itself`;
  }
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/**
 * Refuses arguments that the library sets itself. `reserved` says for each what to do instead.
 *
 * @throws TypeError that names the argument.
 *
 * @example
 * refuseReserved("claude()", options.extraArgs, { "--model": 'use the option "model"' });
 */
export function refuseReserved(
  owner: string,
  extraArgs: readonly string[] | undefined,
  reserved: { readonly [flag: string]: string },
): void {
  for (const argument of extraArgs ?? []) {
    const [flag = ""] = argument.split("=", 1);
    if (!Object.hasOwn(reserved, flag)) continue;
    const message = `option "extraArgs" may not hold ${JSON.stringify(flag)}: ${String(reserved[flag])}.`;
    throw new TypeError(`${owner}: ${message}`);
  }
}

import { longestFilePart } from "./protocol.ts";
import { Refusal } from "./refusal.ts";

/** What a request asks for, with nothing in it that was not looked at. */
export interface CreationRequest {
  readonly id: string;
  readonly labels: { readonly [name: string]: string };
  /** Empty: the usual one. */
  readonly cwd: string;
  /** Whom a new working directory belongs to; empty: the one that commands run as. */
  readonly user: string;
  readonly lifeMs: number;
  readonly hasFixedEnd: boolean;
}

export interface CommandRequest {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: { [name: string]: string };
  readonly timeoutMs: number | undefined;
}

export interface ListRequest {
  readonly labels: { readonly [name: string]: string };
  readonly after: string;
  readonly limit: number;
}

type Fields = { readonly [name: string]: unknown };

const longestBody = 2 * 1024 * 1024;
const largestPage = 500;
const longestLabels = 64 * 1024;
/** Of the runtime's timers. */
const longestDurationMs = 3650 * 86_400_000;

export async function fieldsOf(request: Request): Promise<Fields> {
  const text = await request.text();
  if (text.length > longestBody) throw new Refusal(413, `The body is longer than ${longestBody} characters.`);
  const json = jsonOf(text);
  if (!isFields(json)) throw new Refusal(400, "The body is no object.");
  return json;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "What is to be JSON is none.");
  }
}

/** As Cloudflare takes it, and as it can be part of a host name. */
export function sandboxId(value: unknown): string {
  if (typeof value === "string" && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value;
  throw new Refusal(400, "An id is of small letters, digits and -, 63 at most.");
}

export function creationRequest(fields: Fields): CreationRequest {
  const { id, labels = {}, cwd = "", user = "", life_ms: lifeMs, fixed_end: hasFixedEnd = false } = fields;
  if (typeof hasFixedEnd !== "boolean") throw wrong("fixed_end", "true or false");
  if (typeof user !== "string" || !/^[A-Za-z0-9_.:-]{0,64}$/.test(user)) throw wrong("user", "a user's name");
  return {
    id: sandboxId(id),
    labels: labelsOf(labels),
    cwd: cwd === "" ? "" : absolutePath(cwd, "cwd"),
    user,
    lifeMs: durationMs(lifeMs, "life_ms"),
    hasFixedEnd,
  };
}

export function commandRequest(fields: Fields): CommandRequest {
  const { argv, cwd, env = {}, timeout_ms: timeoutMs } = fields;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every(isText)) {
    throw wrong("argv", "a list of texts that is not empty");
  }
  if (!isFields(env)) throw wrong("env", "an object of variables");
  const variables: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || !isText(value)) {
      throw wrong("env", "an object of variables, with names of letters, digits and _");
    }
    variables[name] = value;
  }
  return {
    argv,
    cwd: cwd === undefined ? undefined : absolutePath(cwd, "cwd"),
    env: variables,
    timeoutMs: timeoutMs === undefined ? undefined : durationMs(timeoutMs, "timeout_ms"),
  };
}

export function expiryRequest(fields: Fields): { readonly lifeMs: number; readonly isRenewal: boolean } {
  const { life_ms: lifeMs, renewal: isRenewal = false } = fields;
  if (typeof isRenewal !== "boolean") throw wrong("renewal", "true or false");
  return { lifeMs: durationMs(lifeMs, "life_ms"), isRenewal };
}

/** The bridge's container has servers of its own on the lower ones. */
export function portRequest({ port }: Fields): number {
  if (isWhole(port, 1, 65_535)) return port;
  throw wrong("port", "a whole number from 1 to 65535");
}

/** Which part of which file. */
export function filePart(query: URLSearchParams): {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
} {
  const offset = Number(query.get("offset") ?? "0");
  const length = Number(query.get("length") ?? longestFilePart);
  if (!isWhole(offset, 0, Number.MAX_SAFE_INTEGER)) throw wrong("offset", "a whole number");
  if (!isWhole(length, 1, longestFilePart)) throw wrong("length", `a whole number up to ${longestFilePart}`);
  return { path: absolutePath(query.get("path"), "path"), offset, length };
}

/** `labels` is an object of JSON: those that a sandbox must have. */
export function listRequest(query: URLSearchParams): ListRequest {
  const labels = labelsOf(jsonOf(query.get("labels") ?? "{}"));
  const limit = Number(query.get("limit") ?? largestPage);
  if (!isWhole(limit, 1, largestPage)) throw wrong("limit", `a whole number up to ${largestPage}`);
  const after = query.get("after") ?? "";
  return { labels, after: after === "" ? "" : sandboxId(after), limit };
}

function labelsOf(value: unknown): { readonly [name: string]: string } {
  if (!isFields(value)) throw wrong("labels", "an object of texts");
  const texts: { [name: string]: string } = {};
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw wrong("labels", "an object of texts");
    texts[name] = text;
  }
  if (JSON.stringify(texts).length > longestLabels)
    throw wrong("labels", `at most ${longestLabels} characters`);
  return texts;
}

function absolutePath(value: unknown, name: string): string {
  if (isText(value) && value.startsWith("/") && value.length <= 4096) return value;
  throw wrong(name, "an absolute path");
}

function durationMs(value: unknown, name: string): number {
  if (isWhole(value, 1, longestDurationMs)) return value;
  throw wrong(name, "a whole number of milliseconds above 0");
}

function isWhole(value: unknown, from: number, to: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= from && value <= to;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(name: string, expected: string): Refusal {
  return new Refusal(400, `"${name}" must be ${expected}.`);
}

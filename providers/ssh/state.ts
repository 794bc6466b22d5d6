import { randomBytes } from "node:crypto";
import { type Labels, isJsonObject, numberField, objectField, parseJson } from "../../src/kit.ts";

/** What is kept beside a sandbox's files for other host processes. Nothing in it is secret. */
export interface SandboxState {
  readonly labels: Labels;
  readonly createdAt: number;
}

/** A sandbox as `inspectCommand` tells of it. */
export interface InspectedSandbox extends SandboxState {
  readonly id: string;
  readonly folder: string;
  readonly cwd: string;
}

export function newSandboxId(): string {
  return randomBytes(8).toString("hex");
}

export function isSandboxId(id: string): boolean {
  return /^[0-9a-f]{16}$/.test(id);
}

/** One line. */
export function writeState(state: SandboxState): string {
  return JSON.stringify({ version: 1, ...state });
}

/** What is not understood is left out. */
export function parseInspection(output: string): readonly InspectedSandbox[] {
  const lines = output.split("\n");
  const found: InspectedSandbox[] = [];
  for (let index = 0; index + 3 < lines.length; index += 4) {
    const [id = "", folder = "", cwd = "", state = ""] = lines.slice(index, index + 4);
    const json = parseJson(state);
    const createdAt = numberField(json, "createdAt");
    if (!isJsonObject(json) || json["version"] !== 1 || createdAt === undefined || !isSandboxId(id)) continue;
    found.push({ id, folder, cwd, createdAt, labels: labelsOf(objectField(json, "labels")) });
  }
  return found;
}

function labelsOf(json: { readonly [name: string]: unknown }): Labels {
  const texts = Object.entries(json).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(texts);
}

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { errorText } from "../errors/error-text.ts";
import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import type { AgentBackend, TurnInput } from "../spec/backend.ts";
import type { JsonObject } from "../spec/json.ts";
import type { OutputIssue } from "../spec/structured-output.ts";
import { jsonIn } from "./json-in-text.ts";

/** How often an agent is asked again for an output that does not follow its schema. */
export const defaultRepairs = 2;
const maxIssues = 20;

export type CheckedOutput =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly OutputIssue[] };

export interface OutputOptions {
  readonly schema: StandardSchemaV1;
  /** Needed for a schema that cannot tell its own. */
  readonly jsonSchema?: JsonObject;
}

/** The output that a turn was asked for: what it has to look like, and whether it does. */
export class StructuredOutput {
  /** What the agent is shown of the schema. */
  readonly jsonSchema: JsonObject;
  readonly #schema: StandardSchemaV1;

  /** @throws TypeError when the schema is none, or cannot be shown to an agent. */
  constructor({ schema, jsonSchema }: OutputOptions) {
    this.#schema = schema;
    this.jsonSchema = jsonSchema ?? jsonSchemaOf(schema);
  }

  /**
   * Checks what a turn gave. Never rejects.
   *
   * @param output - The agent's structured output, where it has given one.
   * @param text - Its last message, in which the output is looked for otherwise.
   */
  async check(output: unknown, text: string): Promise<CheckedOutput> {
    const value = output ?? jsonIn(text);
    if (value === undefined) return invalid([{ path: "", message: "There is no JSON in the answer." }]);
    try {
      const result = await this.#schema["~standard"].validate(value);
      if (result.issues === undefined) return { ok: true, value: result.value };
      return invalid(result.issues.slice(0, maxIssues).map(readable));
    } catch (error) {
      // The host's own code: what it throws says why the value cannot be used.
      return invalid([{ path: "", message: `The schema's validation threw: ${errorText(error)}` }]);
    }
  }
}

/** What an agent without structured output of its own is told beside the prompt. */
export function outputInstructions(jsonSchema: JsonObject): string {
  return `When you are done, answer with one JSON value and nothing else: no words before or after it, no code fence. It must follow this JSON Schema:\n${JSON.stringify(jsonSchema)}`;
}

/** A turn that asks for this output, in the agent's own way or in words. */
export function withOutput(
  turn: TurnInput,
  output: StructuredOutput | undefined,
  { capabilities }: AgentBackend,
): TurnInput {
  if (output === undefined) return turn;
  const { jsonSchema } = output;
  if (capabilities.structuredOutput === "native") return { ...turn, outputSchema: jsonSchema };
  const text = outputInstructions(jsonSchema);
  return { ...turn, content: [...turn.content, { type: "text", text }] };
}

/** Asks for another output after one that could not be used. */
export function repairPrompt(issues: readonly OutputIssue[], jsonSchema: JsonObject): string {
  const list = issues.map(({ path, message }) => `- ${path === "" ? "" : `${path}: `}${message}`).join("\n");
  return `Your answer does not follow the schema:\n${list}\nGive the corrected answer. ${outputInstructions(jsonSchema)}`;
}

/**
 * The JSON Schema of a schema library's object.
 *
 * @throws TypeError for what is no Standard Schema, or gives no JSON Schema.
 */
function jsonSchemaOf(schema: StandardSchemaV1): JsonObject {
  const standard = standardOf(schema);
  if (standard === undefined) {
    throw new TypeError(
      `session.prompt(): option "schema" must be a Standard Schema such as one of zod, valibot or arktype, received ${show(schema)}.`,
    );
  }
  const converter = standard["jsonSchema"];
  const toInput = isJsonObject(converter) ? converter["input"] : undefined;
  const vendor = String(standard["vendor"]);
  if (typeof toInput !== "function") {
    const instead =
      vendor === "valibot"
        ? "Wrap it with toStandardJsonSchema() of @valibot/to-json-schema"
        : 'Pass it as option "jsonSchema"';
    throw new TypeError(
      `session.prompt(): the schema of ${vendor} cannot tell its JSON Schema, which the agent has to be shown. ${instead}.`,
    );
  }
  let jsonSchema: unknown;
  try {
    jsonSchema = Reflect.apply(toInput, converter, [{ target: "draft-2020-12" }]);
  } catch (cause) {
    throw new TypeError(
      `session.prompt(): the schema has no JSON Schema: ${errorText(cause)}. Pass one as option "jsonSchema".`,
      { cause },
    );
  }
  if (isJsonObject(jsonSchema)) return jsonSchema;
  throw new TypeError(
    `session.prompt(): the JSON Schema of ${vendor} is no object. Pass it as "jsonSchema".`,
  );
}

/** The `~standard` member of a schema; those of arktype are functions. */
function standardOf(schema: unknown): JsonObject | undefined {
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) return undefined;
  const standard: unknown = Reflect.get(schema, "~standard");
  return isJsonObject(standard) && typeof standard["validate"] === "function" ? standard : undefined;
}

/** Whether it is a schema at all; whether it can be shown to an agent is found out later. */
export function isStandardSchema(schema: unknown): boolean {
  return standardOf(schema) !== undefined;
}

function invalid(issues: readonly OutputIssue[]): CheckedOutput {
  return { ok: false, issues };
}

function readable(issue: StandardSchemaV1.Issue): OutputIssue {
  let path = "";
  for (const part of issue.path ?? []) {
    const key = typeof part === "object" ? part.key : part;
    if (typeof key === "number") path += `[${String(key)}]`;
    else path += path === "" ? String(key) : `.${String(key)}`;
  }
  return { path, message: issue.message };
}

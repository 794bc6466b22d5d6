import {
  isAbortSignal,
  isBoolean,
  isDurationMs,
  isPositiveInteger,
  type OptionCheck,
  validateOptions,
} from "../kit/validate-options.ts";
import { isJsonObject } from "../kit/json.ts";
import { jsonSchemaProblem } from "./json-schema-problem.ts";
import { isStandardSchema } from "./structured-output.ts";

const isSchema: OptionCheck = (value) =>
  isStandardSchema(value) ? undefined : "a Standard Schema, such as one of zod, valibot or arktype";

const isSchemaObject: OptionCheck = (value) => {
  if (!isJsonObject(value) || !isJson(value)) return "a JSON Schema, as a plain object";
  const problem = jsonSchemaProblem(value);
  return problem === undefined ? undefined : `a JSON Schema, but ${problem}`;
};

const isCount: OptionCheck = (value) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? undefined
    : "a whole number, 0 or above";

function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** @throws TypeError that names the option. */
export function checkPromptOptions(options: unknown): void {
  validateOptions("session.prompt()", options, {
    signal: isAbortSignal,
    timeoutMs: isDurationMs,
    idleTimeoutMs: isDurationMs,
    reject: isBoolean,
    keepRunning: isBoolean,
    schema: isSchema,
    jsonSchema: isSchemaObject,
    repairs: isCount,
  });
  if (!isJsonObject(options)) return;
  const { schema, jsonSchema, repairs } = options;
  if (schema !== undefined || (jsonSchema === undefined && repairs === undefined)) return;
  const name = jsonSchema === undefined ? "repairs" : "jsonSchema";
  throw new TypeError(
    `session.prompt(): option "${name}" goes with "schema", by which the output is validated; received no schema.`,
  );
}

/** @throws TypeError that names the option. */
export function checkSubscribeOptions(options: unknown): void {
  validateOptions("session.events()", options, {
    from: isPositiveInteger,
    backpressure: isBoolean,
    signal: isAbortSignal,
  });
}

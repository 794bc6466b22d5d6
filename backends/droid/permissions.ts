import { arrayField, stringField, type JsonObject } from "../../src/kit.ts";

const once = "proceed_once";

/** The answer to a request for permission. Droid asks also where everything is allowed: before it leaves its spec mode. */
export function permissionAnswer(params: JsonObject, isAllowed: boolean): JsonObject {
  if (!isAllowed) return { selectedOption: "cancel" };
  const offered = arrayField(params, "options").flatMap((option) => stringField(option, "value") ?? []);
  const other = offered.find((value) => value.startsWith("proceed"));
  return { selectedOption: offered.includes(once) ? once : (other ?? once) };
}

import { arrayField, stringField } from "../../src/kit.ts";

/** The id of the requests: they are none of the protocol's, which counts its own. */
export const effortRequestId = "playpen:effort";

/**
 * The request that sets the level of thinking, where OpenCode's answer says that it is another. Left to itself it takes
 * the first level that a model has, at the start and after each change of the model; `default` is none at all.
 */
export function effortRequest(result: unknown, sessionId: string, wanted: string): string | undefined {
  const option = arrayField(result, "configOptions").find(
    (candidate) => stringField(candidate, "category") === "thought_level",
  );
  if (option === undefined || stringField(option, "currentValue") === wanted) return undefined;
  if (!arrayField(option, "options").some((choice) => stringField(choice, "value") === wanted))
    return undefined;
  return JSON.stringify({
    jsonrpc: "2.0",
    id: effortRequestId,
    method: "session/set_config_option",
    params: { sessionId, configId: stringField(option, "id"), value: wanted },
  });
}

import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";

/** What is wrong with a permission handler's answer, as the end of a sentence. */
export function decisionProblem(
  decision: unknown,
  can: { readonly agent: string; readonly updatedInput: boolean },
): string | undefined {
  const members = isJsonObject(decision) ? decision : {};
  const outcome = isJsonObject(decision) ? members["outcome"] : decision;
  if (outcome !== "allow" && outcome !== "deny") {
    return `returned ${show(decision)} instead of "allow", "deny" or { outcome }.`;
  }
  const { message, remember, updatedInput } = members;
  if (message !== undefined && typeof message !== "string") return "returned a message that is no string.";
  if (remember !== undefined && typeof remember !== "boolean")
    return "returned a remember that is no boolean.";
  if (updatedInput === undefined) return undefined;
  if (!isJsonObject(updatedInput)) return "returned an updatedInput that is no object.";
  if (!can.updatedInput) return `returned an updatedInput, which ${can.agent} cannot take.`;
  if (!isJson(updatedInput)) return "returned an updatedInput that JSON cannot express.";
  return undefined;
}

/** What is wrong with a question handler's answers, as the end of a sentence. `undefined` is an answer: none. */
export function answersProblem(answers: unknown): string | undefined {
  if (answers === undefined) return undefined;
  const isAnswer = (value: unknown): boolean =>
    typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));
  return isJsonObject(answers) && Object.values(answers).every(isAnswer)
    ? undefined
    : `returned ${show(answers)} instead of an object with a string, or an array of them, for each question.`;
}

function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

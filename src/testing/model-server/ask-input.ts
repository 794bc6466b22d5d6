import { objectField } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { OfferedTool } from "./model-request.ts";

/** The tools by which CLIs let the model ask the user. */
export const askNames = [
  "AskUserQuestion",
  "request_user_input",
  "ask_user_question",
  "ask_user",
  "question",
  "AskUser",
] as const;

/** A question with its options, in the form that one of these tools takes. */
export function askInput(tool: OfferedTool, question: string, options: readonly string[]): JsonObject {
  const takes = (parameter: string): boolean => Object.hasOwn(tool.parameters, parameter);
  if (takes("questionnaire")) {
    const lines = [
      "1. [question] " + question,
      "[topic] Choice",
      ...options.map((label) => `[option] ${label}`),
    ];
    return { questionnaire: lines.join("\n") };
  }
  if (takes("requestedSchema")) {
    const choice = { type: "string", title: "Choice", enum: options };
    return { message: question, requestedSchema: { properties: { choice }, required: ["choice"] } };
  }
  if (takes("choices")) return { question, choices: options };
  return { questions: [{ ...asked(question, options), ...ownMembers(tool) }] };
}

function asked(question: string, options: readonly string[]): JsonObject {
  return {
    question,
    header: "Choice",
    options: options.map((label) => ({ label, description: `Chooses ${label}.` })),
  };
}

/** What a question needs beside the members that all have in common. */
function ownMembers(tool: OfferedTool): JsonObject {
  const members = objectField(objectField(objectField(tool.parameters, "questions"), "items"), "properties");
  switch (tool.name) {
    case "AskUserQuestion":
      return { multiSelect: false };
    case "request_user_input":
      return { id: "choice" };
    default:
      return Object.hasOwn(members, "type") ? { type: "choice" } : {};
  }
}

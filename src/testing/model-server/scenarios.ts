import { readDirectives } from "./directives.ts";
import type { ModelRequest } from "./model-request.ts";
import { sampleOf, schemaOf } from "./schema-sample.ts";
import type { Script } from "./script.ts";
import { answerToolName } from "./side-request.ts";
import { isJsonObject } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";

const sessionTitle = "A session with a stand-in model";

/** Decides what the model does in the turn that a request belongs to. It is asked again for each request of the turn. */
export type Scenario = (request: ModelRequest) => Script;

/**
 * Follows the directives in the last prompt; without any it gives a short streamed answer, in the form that the request
 * asks for.
 */
export function directiveScenario(request: ModelRequest): Script {
  const script = readDirectives(request.prompt);
  return script.length > 0 ? script : (structuredAnswer(request) ?? plainAnswer(request));
}

/** Follows directives like the default, and otherwise writes a file, runs it and reports: a first turn to look at. */
export function demoScenario(request: ModelRequest): Script {
  const script = readDirectives(request.prompt);
  if (script.length > 0) return script;
  const program = 'for (const name of ["sandbox", "agent"]) {\n  console.log(`Hello, ${name}!`);\n}\n';
  return [
    { type: "slow", delayMs: 15 },
    { type: "think", text: "A small program will do. I write it, run it, and report what it printed." },
    { type: "text", text: "I will write a small program and run it." },
    { type: "write", path: "hello.mjs", content: program },
    { type: "shell", command: "node hello.mjs" },
    {
      type: "text",
      text: "I wrote hello.mjs and ran it. It greets the sandbox and the agent, each on a line of its own.",
    },
  ];
}

/** What a CLI gets that asks something for itself. */
export function sideAnswer(request: ModelRequest): Script {
  switch (request.side) {
    case "title":
      return structuredAnswer(request) ?? [titleStep(request)];
    case "compaction":
      return [{ type: "text", text: summary(request.prompts) }];
    case "summary":
      return [{ type: "text", text: sessionTitle }];
    case "memory":
      return [{ type: "text", text: "There is nothing to keep." }];
    case "decision":
      return structuredAnswer(request) ?? [{ type: "text", text: "OK" }];
    default:
      return [{ type: "text", text: "OK" }];
  }
}

/** Some want a title as JSON and say so in words only. */
function titleStep(request: ModelRequest): Script[number] {
  return /\bJSON\b/.test(JSON.stringify(request.body))
    ? { type: "json", value: { title: sessionTitle } }
    : { type: "text", text: sessionTitle };
}

/** The plainest answer in the form that a request prescribes, if it does. */
function structuredAnswer(request: ModelRequest): Script | undefined {
  const schema = prescribedSchema(request);
  const value = schema && sampleOf(schema);
  return isJsonObject(value) ? [{ type: "json", value }] : undefined;
}

function prescribedSchema(request: ModelRequest): JsonObject | undefined {
  const tool = request.tools.find((one) => one.name === answerToolName);
  if (tool !== undefined) return { type: "object", properties: tool.parameters };
  return request.outputSchema && schemaOf(request.outputSchema);
}

/** Says the earlier prompts, one to a paragraph. */
export function recallText(prompts: readonly string[]): string {
  const earlier = prompts.slice(0, -1);
  if (earlier.length === 0) return "There were no earlier prompts.";
  return earlier.map((prompt, index) => `${index + 1}. ${prompt}`).join("\n\n");
}

const summaryHead = "<summary>\nThe user said:\n";

/** Tells whether a text is what {@link sideAnswer} made of a conversation. */
export function isSummary(text: string): boolean {
  return text.startsWith(summaryHead);
}

function summary(prompts: readonly string[]): string {
  const instruction = prompts.at(-1) ?? "";
  // Some CLIs hand over the conversation within the instruction instead of before it.
  const [, transcript] = /<conversation>\n?([\s\S]*?)<\/conversation>/.exec(instruction) ?? [];
  const earlier = [...prompts.slice(0, -1), ...(transcript === undefined ? [] : [transcript.trim()])];
  // Quoted, so that no directive stands at the beginning of a line when the summary becomes part of a prompt.
  const quoted = earlier.map((prompt) => prompt.replace(/^/gm, "> "));
  return `${summaryHead}${quoted.join("\n>\n")}\n</summary>`;
}

function plainAnswer(request: ModelRequest): Script {
  const prompt = request.prompt.replace(/\s+/g, " ");
  const asked = prompt.length > 80 ? `${prompt.slice(0, 80)}…` : prompt;
  return [
    { type: "think", text: "There is no directive in the prompt, so a plain answer is due." },
    {
      type: "text",
      text: `You asked: “${asked}”. I am a stand-in for a language model, so I can only show how an answer arrives.`,
    },
  ];
}

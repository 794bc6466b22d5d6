import { readDirectives } from "./directives.ts";
import type { ModelRequest } from "./model-request.ts";
import type { Script } from "./script.ts";

/** Decides what the model does in the turn that a request belongs to. It is asked again for each request of the turn. */
export type Scenario = (request: ModelRequest) => Script;

/** Follows the directives in the last prompt; without any it gives a short streamed answer. */
export function directiveScenario(request: ModelRequest): Script {
  const script = readDirectives(request.prompt);
  return script.length > 0 ? script : plainAnswer(request);
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
      return [{ type: "json", value: { title: "A session with a stand-in model" } }];
    case "compaction":
      return [{ type: "text", text: summary(request.prompts.slice(0, -1)) }];
    default:
      return [{ type: "text", text: "OK" }];
  }
}

/** Says the earlier prompts, one to a paragraph. */
export function recallText(prompts: readonly string[]): string {
  const earlier = prompts.slice(0, -1);
  if (earlier.length === 0) return "There were no earlier prompts.";
  return earlier.map((prompt, index) => `${index + 1}. ${prompt}`).join("\n\n");
}

function summary(prompts: readonly string[]): string {
  // Quoted, so that no directive stands at the beginning of a line when the summary becomes part of a prompt.
  const quoted = prompts.map((prompt) => prompt.replace(/^/gm, "> "));
  return `<summary>\nThe user said:\n${quoted.join("\n>\n")}\n</summary>`;
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

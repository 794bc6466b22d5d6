import { isJsonObject, stringField } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";
import { askInput, askNames } from "./ask-input.ts";
import type { ModelRequest, OfferedTool } from "./model-request.ts";
import { answerToolName } from "./side-request.ts";
import { ScriptError, type ToolStep } from "./script.ts";

/** A tool call as it goes into an answer. */
export interface ToolCall {
  readonly name: string;
  readonly namespace?: string;
  /** A string is the raw input of a free-form tool. */
  readonly input: JsonObject | string;
}

type Offer = Pick<ModelRequest, "tools" | "cwd">;

const shellNames = [
  "Bash",
  "exec_command",
  "shell_command",
  "shell",
  "local_shell",
  "run_shell_command",
  "bash",
  "Execute",
] as const;
const writeNames = ["Write", "write_file", "write", "Create", "create"] as const;

const structuredNames = ["StructuredOutput", "structured_output", answerToolName] as const;

/** Finds the tool that does what a step wants, among those on offer, and the input it takes. */
export function resolveToolCall(step: Exclude<ToolStep, { type: "json" }>, offer: Offer): ToolCall {
  switch (step.type) {
    case "tool":
      return namedCall(step.name, step.input, offer);
    case "shell":
      return shellCall(step.command, offer);
    case "write":
      return writeCall(step.path, step.content, offer);
    case "ask":
      return askCall(step.question, step.options, offer);
  }
}

/** The call that hands over a structured answer, where the CLI takes it by a tool. */
export function structuredOutputCall(value: JsonObject, offer: Offer): ToolCall | undefined {
  const tool = findTool(structuredNames, offer);
  return tool && toCall(tool, value);
}

function namedCall(name: string, input: JsonObject | string, offer: Offer): ToolCall {
  const tool =
    offer.tools.find((one) => one.name === name || qualifiedName(one) === name) ??
    // Some CLIs offer a tool under a name of letters, digits and _ only.
    offer.tools.find((one) => identifier(qualifiedName(one)) === identifier(name));
  if (tool !== undefined) return toCall(tool, input);
  const composer = findComposer(offer);
  if (composer !== undefined) return composedCall(composer, name, input);
  // A tool that is not on offer is called all the same: how a CLI takes that is worth a test.
  return { name, input };
}

function shellCall(command: string, offer: Offer): ToolCall {
  const tool = findTool(shellNames, offer);
  if (tool !== undefined) {
    const parameter = ["command", "cmd"].find((key) => Object.hasOwn(tool.parameters, key)) ?? "command";
    const takesArgv = stringField(tool.parameters[parameter], "type") === "array";
    const input: Record<string, unknown> = { [parameter]: takesArgv ? ["bash", "-lc", command] : command };
    // What the command is for; Droid takes a sentence of three words or more.
    for (const key of ["description", "summary"]) {
      if (Object.hasOwn(tool.parameters, key)) input[key] = "Run a command";
    }
    // Droid has the model say how risky it is, in some of its modes.
    if (Object.hasOwn(tool.parameters, "riskLevel")) {
      Object.assign(input, { riskLevelReason: "It was asked for.", riskLevel: "low" });
    }
    return toCall(tool, input);
  }
  const composer = findComposer(offer);
  if (composer === undefined) throw missing("a shell", offer);
  return composedCall(composer, "exec_command", { cmd: command });
}

function writeCall(path: string, content: string, offer: Offer): ToolCall {
  const tool = findTool(writeNames, offer);
  if (tool !== undefined) {
    const parameter = ["file_path", "filePath", "path"].find((key) => Object.hasOwn(tool.parameters, key));
    const contentParameter = Object.hasOwn(tool.parameters, "file_text") ? "file_text" : "content";
    return toCall(tool, {
      [parameter ?? "file_path"]: absolute(path, offer.cwd),
      [contentParameter]: content,
    });
  }
  const patch = addFilePatch(path, content);
  const patcher = findTool(["apply_patch"], offer);
  if (patcher !== undefined) {
    return toCall(patcher, patcher.kind === "custom" ? patch : { input: patch });
  }
  const composer = findComposer(offer);
  if (composer !== undefined) return composedCall(composer, "apply_patch", patch);
  // Codex takes a patch from its shell tool too, and treats it as a change of files rather than as a command.
  return shellCall(`apply_patch <<'END_OF_PATCH'\n${patch}\nEND_OF_PATCH`, offer);
}

function askCall(question: string, options: readonly string[], offer: Offer): ToolCall {
  const tool = findTool(askNames, offer) ?? deferredAskTool(offer);
  if (tool === undefined) throw missing("a way to ask the user", offer);
  return toCall(tool, askInput(tool, question, options));
}

/** Qwen Code has its tool for questions looked up by another, yet takes the call without that. */
function deferredAskTool(offer: Offer): OfferedTool | undefined {
  const search = findTool(["tool_search"], offer);
  return search && { name: "ask_user_question", kind: "function", description: "", parameters: {} };
}

/** The tool that takes a program which calls the other tools, as Codex offers it for its newest models. */
function findComposer(offer: Offer): OfferedTool | undefined {
  return offer.tools.find((tool) => tool.kind === "custom" && tool.name === "exec");
}

function composedCall(composer: OfferedTool, name: string, input: JsonObject | string): ToolCall {
  return toCall(composer, `text(await tools.${identifier(name)}(${JSON.stringify(input)}));`);
}

function identifier(name: string): string {
  return name.replace(/[^\w$]/g, "_");
}

function qualifiedName(tool: OfferedTool): string {
  if (tool.namespace === undefined) return tool.name;
  return `${tool.namespace.replace(/_+$/, "")}__${tool.name}`;
}

function findTool(names: readonly string[], offer: Offer): OfferedTool | undefined {
  for (const name of names) {
    const tool = offer.tools.find((one) => one.name === name);
    if (tool !== undefined) return tool;
  }
  return undefined;
}

function toCall(tool: OfferedTool, input: JsonObject | string): ToolCall {
  if (tool.kind === "custom" && isJsonObject(input)) {
    throw new ScriptError(`The tool ${tool.name} takes text, so its input must be a JSON string.`);
  }
  return {
    name: tool.name,
    ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
    input,
  };
}

function addFilePatch(path: string, content: string): string {
  const lines = content.replace(/\n$/, "").split("\n");
  return [
    "*** Begin Patch",
    `*** Add File: ${path}`,
    ...lines.map((line) => `+${line}`),
    "*** End Patch",
  ].join("\n");
}

function absolute(path: string, cwd: string | undefined): string {
  return path.startsWith("/") || cwd === undefined ? path : `${cwd.replace(/\/$/, "")}/${path}`;
}

function missing(what: string, offer: Offer): ScriptError {
  const names = offer.tools.map((tool) => tool.name).join(", ") || "none";
  return new ScriptError(`The request offers no tool that is ${what}. On offer: ${names}.`);
}

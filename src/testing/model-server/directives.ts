import { isJsonObject, parseJson } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";
import { type Script, ScriptError, type ScriptStep, type ScriptUsage } from "./script.ts";

type Read = (argument: string) => ScriptStep;

const usageNames = ["input", "output", "cacheRead", "cacheWrite", "reasoning"] as const;

const readers: Readonly<Record<string, Read>> = {
  text: (argument) => ({ type: "text", text: unquote(argument) }),
  think: (argument) => ({ type: "think", text: unquote(argument) }),
  repeat: (argument) => {
    const [count, text] = firstWord(argument);
    return { type: "text", text: unquote(text), times: wholeNumber(count) };
  },
  recall: () => ({ type: "recall" }),
  tool: (argument) => {
    const [name, input] = firstWord(argument);
    if (name === "") throw new ScriptError("a tool's name is missing");
    return { type: "tool", name, input: toolInput(input) };
  },
  shell: (argument) => ({ type: "shell", command: unquote(argument) }),
  write: (argument) => {
    const [path, content] = firstWord(argument);
    if (path === "") throw new ScriptError("a path is missing");
    return { type: "write", path, content: unquote(content) };
  },
  ask: (argument) => {
    const [question = "", ...options] = argument.split("|").map((part) => part.trim());
    return {
      type: "ask",
      question: question || "Which one?",
      options: options.length > 0 ? options : ["Yes", "No"],
    };
  },
  json: (argument) => ({ type: "json", value: jsonObject(argument) }),
  status: readStatus,
  hang: (argument) => ({ type: "hang", ...readTimes(argument) }),
  drop: (argument) => ({ type: "drop", ...readTimes(argument) }),
  wait: (argument) => ({ type: "wait", durationMs: wholeNumber(argument) }),
  slow: (argument) => ({ type: "slow", delayMs: wholeNumber(argument) }),
  usage: (argument) => ({ type: "usage", usage: readUsage(argument) }),
  stop: (argument) => ({ type: "stop", reason: argument }),
};

/**
 * Reads the directives of a prompt: each stands alone on a line, behind an exclamation mark. Other lines are ignored.
 *
 * | directive | what the model or its API does |
 * |---|---|
 * | `!text Hello.` | says it, word by word |
 * | `!think Hm.` | thinks it |
 * | `!repeat 500 la` | says `la` in 500 deltas |
 * | `!recall` | says the earlier prompts of the conversation |
 * | `!shell ls -l` | calls the CLI's shell tool |
 * | `!write notes.txt Hello` | writes a file by the CLI's own tool |
 * | `!tool Read {"file_path":"/a"}` | calls a tool by name; a JSON string is the raw input of a free-form tool |
 * | `!ask Which? \| Red \| Blue` | asks the user by the CLI's own tool |
 * | `!json {"ok":true}` | gives the structured answer that was asked for |
 * | `!also shell pwd` | makes a call in the same answer as the call before; all the others wait for its result |
 * | `!status 429 times 2 retry-after 1 Slow down` | fails the first 2 requests; without `times`, every one |
 * | `!hang`, `!drop` | goes silent, closes the socket; both take `times N` |
 * | `!wait 300` | pauses for 300 ms |
 * | `!slow 20` | waits 20 ms before each delta from here on |
 * | `!usage input=9 output=2 cacheRead=5 cacheWrite=1 reasoning=1` | reports these tokens in each answer from here on |
 * | `!stop max_tokens` | ends the answer for that reason |
 *
 * Only the last prompt counts; a message that comes while a tool runs is a prompt too, and so replaces the rest of the
 * script. Each `!text` is a block of its own. A text or file content in double quotes is read as a JSON string, so `"a\nb"` has two lines.
 *
 * @throws {ScriptError} for a directive that does not exist or has a wrong argument.
 */
export function readDirectives(prompt: string): Script {
  const steps: ScriptStep[] = [];
  for (const line of prompt.split(/\r?\n/)) {
    const match = /^\s*!([a-z]+)(?:\s+(.*))?$/.exec(line);
    if (match === null) continue;
    const [, word = "", argument = ""] = match;
    try {
      steps.push(readStep(word, argument.trim()));
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      throw new ScriptError(`The directive "${line.trim()}" cannot be read: ${error.message}.`);
    }
  }
  return steps;
}

function readStep(word: string, argument: string): ScriptStep {
  if (word === "also") {
    const [inner, rest] = firstWord(argument);
    const step = readStep(inner, rest);
    switch (step.type) {
      case "tool":
      case "shell":
      case "write":
      case "ask":
      case "json":
        return { ...step, together: true };
      default:
        throw new ScriptError(`"${inner}" calls no tool`);
    }
  }
  const read = Object.hasOwn(readers, word) ? readers[word] : undefined;
  if (read === undefined) throw new ScriptError(`there are ${Object.keys(readers).join(", ")} and also`);
  return read(argument);
}

function readStatus(argument: string): ScriptStep {
  const [status, options] = firstWord(argument);
  const match = /^(?:times (\d+))?\s*(?:retry-after (\d+(?:\.\d+)?))?\s*(.*)$/.exec(options);
  const [, times, retryAfter, message] = match ?? [];
  const code = wholeNumber(status);
  if (code < 400 || code > 599) throw new ScriptError("a status is from 400 to 599");
  return {
    type: "status",
    status: code,
    ...(times === undefined ? {} : { times: wholeNumber(times) }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) }),
    ...(message === undefined || message === "" ? {} : { message }),
  };
}

function readTimes(argument: string): { readonly times?: number } {
  if (argument === "") return {};
  const match = /^times (\d+)$/.exec(argument);
  if (match === null) throw new ScriptError("it takes only: times N");
  return { times: wholeNumber(match[1] ?? "") };
}

function readUsage(argument: string): ScriptUsage {
  const usage: Partial<Record<(typeof usageNames)[number], number>> = {};
  for (const part of argument.split(/\s+/)) {
    const [key, value = ""] = part.split("=");
    const name = usageNames.find((known) => known === key);
    if (name === undefined) throw new ScriptError(`the counts are ${usageNames.join(", ")}`);
    usage[name] = wholeNumber(value);
  }
  return usage;
}

function toolInput(text: string): JsonObject | string {
  if (text === "") return {};
  const value = parseJson(text);
  if (typeof value === "string") return value;
  if (isJsonObject(value)) return value;
  throw new ScriptError("a tool's input is a JSON object or a JSON string");
}

function jsonObject(text: string): JsonObject {
  const value = parseJson(text);
  if (!isJsonObject(value)) throw new ScriptError("a JSON object is missing");
  return value;
}

function unquote(text: string): string {
  const value = text.startsWith('"') ? parseJson(text) : undefined;
  return typeof value === "string" ? value : text;
}

function firstWord(text: string): readonly [string, string] {
  const match = /^(\S*)\s*([\s\S]*)$/.exec(text);
  return [match?.[1] ?? "", match?.[2] ?? ""];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new ScriptError(`"${text}" is no whole number`);
  }
  return value;
}

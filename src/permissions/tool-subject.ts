import { posix } from "node:path";
import { isJsonObject } from "../kit/json.ts";
import type { ToolRequest } from "../spec/events.ts";

/** One thing a tool call is about to do, in every spelling a rule may be written for. */
export interface SubjectPart {
  readonly spellings: readonly string[];
}

/** What a tool call is about to do. */
export interface ToolSubjects {
  readonly parts: readonly SubjectPart[];
  /** Spellings that only a deny or ask rule looks at: the command as a whole, and commands inside of wrappers. */
  readonly hidden: readonly string[];
  /** `false` when a rule with a pattern may not allow the call, since it does more than its parts tell. */
  readonly allowable: boolean;
}

const commandMembers = ["command", "cmd", "script"];
const pathMembers = [
  "file_path",
  "filePath",
  "path",
  "notebook_path",
  "absolute_path",
  "directory",
  "dir_path",
];
const otherMembers = ["url", "query", "pattern", "description", "prompt"];

/** Finds what a tool call is about: its command, its paths, its address; else its title. */
export function toolSubjects(tool: ToolRequest, cwd: string): ToolSubjects {
  const commands = texts(tool, commandMembers);
  if (tool.kind === "execute" && commands.length > 0) return commandSubjects(commands.join("\n"));
  const paths = [...texts(tool, pathMembers), ...changedPaths(tool)];
  if (paths.length > 0) return plain(paths.map((path) => ({ spellings: pathSpellings(path, cwd) })));
  const others = [...commands, ...texts(tool, otherMembers)];
  if (tool.kind === "execute" || (others.length === 0 && ["read", "edit", "fetch"].includes(tool.kind))) {
    // What it is about is not where it is looked for: a description is no reason to let it pass.
    return { parts: [], hidden: [...others, tool.title], allowable: false };
  }
  return plain((others.length > 0 ? others : [tool.title]).map((text) => ({ spellings: [text] })));
}

function plain(parts: readonly SubjectPart[]): ToolSubjects {
  return { parts, hidden: [], allowable: true };
}

function texts(tool: ToolRequest, members: readonly string[]): string[] {
  const found: string[] = [];
  for (const member of members) {
    const value = tool.input[member];
    if (typeof value === "string") found.push(value);
    else if (Array.isArray(value) && value.every((item) => typeof item === "string"))
      found.push(value.join(" "));
  }
  return found;
}

/** The paths of an edit that names several files, as `{ changes: { path: … } }` or `{ changes: [{ path }] }`. */
function changedPaths(tool: ToolRequest): string[] {
  const changes = tool.input["changes"];
  if (Array.isArray(changes)) {
    return changes.flatMap((change) => {
      const path: unknown = isJsonObject(change) ? change["path"] : undefined;
      return typeof path === "string" ? [path] : [];
    });
  }
  return isJsonObject(changes) ? Object.keys(changes) : [];
}

/** As it was written, absolute, and relative to the working directory: `../../etc/passwd` must not pass `/etc/*`. */
function pathSpellings(path: string, cwd: string): readonly string[] {
  const absolute = posix.resolve(cwd, path);
  const relative = posix.relative(cwd, absolute);
  return [...new Set([path, absolute, ...(relative.startsWith("..") ? [] : [relative, `./${relative}`])])];
}

// Commands are cut wherever a shell might begin another one. Quotes are not looked at: a cut too many only makes an
// allow rule match less and a deny rule match more.
const commandSeparators = /&&|\|\|?|[;&\n\r`(){}]|\$\(|\s-exec(?:dir)?\s|\s-ok(?:dir)?\s|<\(|>\(/;
const wrappers =
  /^(?:(?:sudo|doas|env|command|builtin|exec|eval|nohup|time|nice|ionice|timeout|stdbuf|setsid|xargs|busybox|then|do|else|if|while|until|!)|(?:ba|da|z|k|a|fi)?sh)$/;
const assignment = /^[A-Za-z_][A-Za-z0-9_]*=\S*$/;
const harmlessRedirection = /\d?>&\d|&?\d?>\s*\/dev\/null/g;

function commandSubjects(command: string): ToolSubjects {
  const bare = command.replace(harmlessRedirection, " ");
  const segments = bare
    .split(commandSeparators)
    .map((segment) => segment.trim())
    .filter((segment) => segment !== "");
  return {
    parts: segments.map((segment) => ({ spellings: [segment] })),
    hidden: [command, ...segments.flatMap(hiddenSpellings)],
    // A redirection writes a file that no part names.
    allowable: !bare.includes(">"),
  };
}

/** What a command is once quotes, paths, assignments and wrappers are taken off, one by one. */
function hiddenSpellings(segment: string): string[] {
  const words = segment
    .replace(/["'\\]/g, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  const spellings: string[] = [];
  for (let start = 0; start < words.length; start++) {
    const [first = "", ...rest] = words.slice(start);
    const name = posix.basename(first);
    spellings.push([first, ...rest].join(" "), [name, ...rest].join(" "));
    const isPrefix = wrappers.test(name) || assignment.test(first) || (start > 0 && /^(?:-|\d)/.test(first));
    if (!isPrefix) break;
  }
  return spellings;
}

import { isJsonObject } from "../kit/json.ts";
import {
  isBoolean,
  isDurationMs,
  isPositiveInteger,
  isString,
  show,
  type OptionCheck,
} from "../kit/validate-options.ts";
import type { GitClone, Setup, SetupPackages } from "./setup.ts";

const isPackageList: OptionCheck = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === "string" && /^[^-\s\0][^\s\0]*$/.test(name))
    ? undefined
    : "an array of package names, none of which is empty, begins with a hyphen or holds a blank";

const packageChecks: { readonly [Name in keyof Required<SetupPackages>]: OptionCheck } = {
  apt: isPackageList,
  npm: isPackageList,
  pip: isPackageList,
  gem: isPackageList,
  cargo: isPackageList,
  go: isPackageList,
};

const isGitUrl: OptionCheck = (value) => {
  if (isString(value) !== undefined || String(value).startsWith("-")) return "an address";
  const text = String(value);
  if (!/^[a-z]+:\/\//.test(text)) return undefined;
  if (!URL.canParse(text)) return "an address";
  const { username, password, protocol } = new URL(text);
  const isSecret = password !== "" || (username !== "" && protocol.startsWith("http"));
  return isSecret ? 'without a credential in it: use "token"' : undefined;
};

const isRef: OptionCheck = (value) =>
  typeof value === "string" && /^[^-\s\0][^\s\0]*$/.test(value) ? undefined : "a branch, tag or commit";

const gitChecks: { readonly [Name in keyof Required<GitClone>]: OptionCheck } = {
  url: isGitUrl,
  ref: isRef,
  path: isString,
  depth: isPositiveInteger,
  token: isString,
  username: isString,
};

const areFiles: OptionCheck = (value) =>
  isJsonObject(value) &&
  Object.entries(value).every(
    ([path, content]) =>
      path !== "" && !path.includes("\0") && (typeof content === "string" || content instanceof Uint8Array),
  )
    ? undefined
    : "an object of texts or bytes by path";

const areCommands: OptionCheck = (value) => {
  const expected = "an array of shell lines or argument lists";
  if (!Array.isArray(value)) return expected;
  for (const [index, command] of (value as readonly unknown[]).entries()) {
    const words: readonly unknown[] = Array.isArray(command) ? command : [command];
    if (isString(words[0]) !== undefined || !words.every((word) => typeof word === "string"))
      return `${expected}, which number ${String(index)} is not`;
    if (words.some((word) => word.includes("\0")))
      return `${expected}, of which number ${String(index)} holds a NUL character`;
  }
  return undefined;
};

function gitProblem(clone: unknown): string | undefined {
  const problem = problemOf(clone, gitChecks);
  if (problem !== undefined || !isJsonObject(clone)) return problem;
  const { url, token, username } = clone;
  if (url === undefined) return "an object with a url";
  // Elsewhere git asks nobody for a token, and would go on without it.
  if (token !== undefined && (typeof url !== "string" || !/^https?:\/\//i.test(url)))
    return 'an object whose "token" goes with a url that begins with https:// (or http://)';
  if (username !== undefined && token === undefined) return 'an object whose "username" goes with a "token"';
  return undefined;
}

const setupChecks: { readonly [Name in keyof Required<Setup>]: OptionCheck } = {
  packages: (value) => problemOf(value, packageChecks),
  git: (value) => {
    const clones: readonly unknown[] = Array.isArray(value) ? value : [value];
    return clones.map(gitProblem).find((each) => each !== undefined);
  },
  files: areFiles,
  commands: areCommands,
  cache: isBoolean,
  stepTimeoutMs: isDurationMs,
};

/** The option `setup`. Secrets are not shown. */
export const isSetup: OptionCheck = (value) => problemOf(value, setupChecks);

function problemOf(value: unknown, checks: { readonly [name: string]: OptionCheck }): string | undefined {
  if (!isJsonObject(value)) return `an object with ${Object.keys(checks).join(", ")}`;
  for (const [name, field] of Object.entries(value)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined)
      return `an object without ${show(name)} (it may have ${Object.keys(checks).join(", ")})`;
    const expected = field === undefined ? undefined : check(field);
    if (expected !== undefined) return `an object whose ${show(name)} is ${expected}`;
  }
  return undefined;
}

import { isJsonObject } from "./kit/json.ts";
import { isEnvironment, isString, type OptionCheck, show } from "./kit/validate-options.ts";

/** CLIs write the names into objects of theirs, where these two mean something else. */
const strangeNames: readonly string[] = ["__proto__", "constructor"];

/** Checks an object of MCP servers by name: what an agent would fail at, or leave out without a word. */
export const isMcpServers: OptionCheck = (value) => {
  if (!isJsonObject(value)) return "an object of MCP servers by name";
  for (const [name, server] of Object.entries(value)) {
    if (!/^[A-Za-z0-9_-]+$/.test(name))
      return `an object of MCP servers whose names are of letters, digits, - and _ only (not ${show(name)})`;
    if (strangeNames.includes(name)) return `an object of MCP servers, none of which is named ${show(name)}`;
    const problem = isJsonObject(server) ? serverProblem(server) : "must be an object";
    if (problem !== undefined) return `an object of MCP servers: the server ${show(name)} ${problem}`;
  }
  return undefined;
};

const fieldsByType: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["stdio", ["type", "command", "args", "env"]],
  ["http", ["type", "url", "headers"]],
]);

function serverProblem(server: { readonly [name: string]: unknown }): string | undefined {
  const fields = fieldsByType.get(server["type"]);
  if (fields === undefined) return 'needs a type of "stdio" or "http"';
  const unknown = Object.keys(server).find((field) => !fields.includes(field));
  if (unknown !== undefined)
    return `has the unknown field ${show(unknown)} (it may have ${fields.join(", ")})`;
  return server["type"] === "stdio" ? stdioProblem(server) : httpProblem(server);
}

function stdioProblem({ command, args, env }: { readonly [name: string]: unknown }): string | undefined {
  if (isString(command) !== undefined || !isArgument(command)) return "needs a command";
  const wantedEnv = env === undefined ? undefined : isEnvironment(env);
  if (wantedEnv !== undefined) return `has a malformed env: it must be ${wantedEnv}`;
  const areArguments = args === undefined || (Array.isArray(args) && args.every(isArgument));
  return areArguments ? undefined : "needs args to be an array of strings, without NUL characters";
}

function isArgument(value: unknown): boolean {
  return typeof value === "string" && !value.includes("\0");
}

function httpProblem({ url, headers }: { readonly [name: string]: unknown }): string | undefined {
  if (typeof url !== "string" || !/^https?:\/\//i.test(url) || !URL.canParse(url))
    return "needs a url that begins with http:// or https://";
  const problem = headers === undefined ? undefined : headersProblem(headers);
  return problem === undefined ? undefined : `has malformed headers: ${problem}`;
}

/** Names alone are shown: a value may be a secret. */
function headersProblem(headers: unknown): string | undefined {
  if (!isJsonObject(headers)) return "it must be an object of texts by name";
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return `${show(name)} is no name of a header`;
    if (typeof value !== "string" || /[\0\r\n]/.test(value))
      return `${show(name)} must be a text without line breaks`;
  }
  return undefined;
}

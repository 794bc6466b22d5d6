import {
  type Argv,
  type Environment,
  carrier,
  escapedForPrintf,
  quoteForShell,
  shellLine,
  stage,
} from "../../src/kit.ts";

/** What the service is asked to run. */
export interface CarriedCommand {
  readonly command: readonly string[];
  readonly stdin?: string;
}

/** Nothing is documented of the variables that a command begins with. */
const usual =
  'export HOME="${HOME:-/root}" PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"; ';

/**
 * The service takes no variables with a command, but a text for its standard input. They come in its first line, since
 * everybody inside could read them in the arguments; bytes for the command come behind it as base64.
 */
export function carriedCommand(program: Argv, env: Environment, input?: Uint8Array): CarriedCommand {
  const argv = input === undefined ? program : stage("input", 'base64 -d | "$@"', ...program);
  const text =
    input === undefined ? "" : Buffer.from(input.buffer, input.byteOffset, input.length).toString("base64");
  const variables = Object.entries(env);
  if (variables.length === 0) return { command: argv, ...(text === "" ? {} : { stdin: text }) };
  const exported = variables.map(([name, value]) => `export ${name}=${quoteForShell(value)}; `).join("");
  const line = `${usual}${exported}unset playpen_line; exec ${shellLine(argv)}`;
  return { command: carrier, stdin: `${escapedForPrintf(line)}\n${text}` };
}

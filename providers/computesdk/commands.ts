import { type Argv, type Environment, quoteForShell, shellLine } from "../../src/kit.ts";

/** What `runCommand` is given. */
export interface VendorCommand {
  readonly line: string;
  readonly env: Environment;
}

/** One variable may hold 128 KiB. */
const chunkLength = 64 * 1024;

/**
 * Some vendors put variables in front of the command as they are. These have letters, digits, `+`, `/` and `=` only, and
 * a small shell makes the real ones of them: none is broken, and none can break out.
 */
export function vendorCommand(argv: Argv, env: Environment): VendorCommand {
  const variables = Object.entries(env);
  if (variables.length === 0) return { line: shellLine(argv), env: {} };
  const script = variables.map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`).join("");
  const text = Buffer.from(script).toString("base64");
  const chunks: { [name: string]: string } = {};
  for (let from = 0; from < text.length; from += chunkLength) {
    chunks[`PLAYPEN_ENV_${from / chunkLength}`] = text.slice(from, from + chunkLength);
  }
  const names = Object.keys(chunks);
  const all = names.map((name) => `$${name}`).join("");
  const decode = `playpen_env=$(printf %s "${all}" | base64 -d) || exit 125; unset ${names.join(" ")}; eval "$playpen_env"; unset playpen_env; exec "$@"`;
  return { line: shellLine(["/bin/sh", "-c", decode, "playpen-env", ...argv]), env: chunks };
}

/** Where the library keeps what it knows of a sandbox, and files on their way. */
const privateFolder = '"${HOME:-/root}/.playpen"';

// The last line feed of a substitution would be lost, but a path has none here.
const prepareScript = `
umask 077
mkdir -p ${privateFolder} && printf %s "$2" > ${privateFolder}/state || exit
umask 022
cwd=\${1:-\${HOME:-/root}/workspace}
[ -d "$cwd" ] || { mkdir -p -- "$cwd" && { [ -z "$3" ] || chown -- "$3" "$cwd"; }; } || exit
cd -- "$cwd" && printf '%s\\n' ${privateFolder} "$cwd"
`;

const inspectScript = `cat ${privateFolder}/state && printf '\\n%s\\n' ${privateFolder}`;

const decodeScript = `
[ -d "$2" ] && { echo "It is a directory" >&2; exit 1; }
folder=\${2%/*}
[ -d "\${folder:-/}" ] || mkdir -p -- "$folder" || exit
umask 077
new=$folder/.playpen-$3
if base64 -d < "$1" > "$new" && [ "$(wc -c < "$new")" -eq "$5" ] && chmod "$4" "$new" && mv -f -- "$new" "$2"; then
  exit 0
fi
rm -f -- "$new"
exit 1
`;

const encodeScript = `umask 077; [ -f "$1" ] || { echo "It is no file" >&2; exit 1; }; base64 < "$1" > "$2"`;

function script(name: string, text: string, ...parameters: readonly string[]): Argv {
  return ["/bin/sh", "-c", text, `playpen-${name}`, ...parameters];
}

/** Makes the working directory (empty: the usual one); says where the library's own folder is, and that one. */
export function prepareCommand(cwd: string, state: string, user: string | undefined): Argv {
  return script("prepare", prepareScript, cwd, state, user ?? "");
}

/** Says what `prepareCommand` has put down, and where the library's own folder is. */
export const inspectCommand: Argv = script("inspect", inspectScript);

export function makeFolderCommand(cwd: string): Argv {
  return ["mkdir", "-p", "--", cwd];
}

/** Makes a file, at once or not at all, of one that holds its content as base64. */
export function decodeCommand(
  from: string,
  to: string,
  facts: { readonly word: string; readonly mode: number; readonly size: number },
): Argv {
  return script("decode", decodeScript, from, to, facts.word, facts.mode.toString(8), String(facts.size));
}

export function encodeCommand(from: string, to: string): Argv {
  return script("encode", encodeScript, from, to);
}

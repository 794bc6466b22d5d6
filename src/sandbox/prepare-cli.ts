import type { Redactor } from "../errors/redactor.ts";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { AgentBackend, CliRecipe } from "../spec/backend.ts";
import type { Environment, Progress, Sandbox } from "../spec/sandbox.ts";
import { runCommand } from "./run-command.ts";

/** Where a backend's CLI is in a sandbox, and where the backend may keep its files. */
export interface PreparedCli {
  readonly executable: string;
  /** Absolute; exists. */
  readonly stateDirectory: string;
}

export interface PrepareOptions {
  readonly env: Environment;
  readonly redactor: Redactor;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: Progress) => void;
}

/** Both scripts answer on standard output, one fact a line, since what a login shell prints may come before. */
const marker = "playpen:";

/**
 * Finds a backend's CLI in a sandbox and installs it from npm when it is missing.
 *
 * @throws SandboxAgentError `cli_missing`, `cli_install_failed`.
 */
export async function prepareCli(
  sandbox: Sandbox,
  backend: AgentBackend,
  options: PrepareOptions,
): Promise<PreparedCli> {
  const { cli, name } = backend;
  const command = backend.command === undefined ? cli.command : "";
  const found = await runScript(
    sandbox,
    probeScript,
    [name, installFolder(cli), command, ...cli.executables],
    options,
  );
  const stateDirectory = found.facts.get("state");
  if (stateDirectory === undefined) {
    throw new SandboxAgentError(
      "session_start_failed",
      `${name}: the sandbox has no folder that can be written to.`,
      {
        details: { agent: name, exitCode: found.exitCode, stderr: found.stderr },
      },
    );
  }
  if (backend.command !== undefined) return { executable: backend.command[0], stateDirectory };
  const executable = found.facts.get("executable");
  if (executable !== undefined) return { executable, stateDirectory };
  return { executable: await install(sandbox, backend, found.facts, options), stateDirectory };
}

async function install(
  sandbox: Sandbox,
  backend: AgentBackend,
  facts: ReadonlyMap<string, string>,
  options: PrepareOptions,
): Promise<string> {
  const { cli, name } = backend;
  const specifier = `${cli.package}@${cli.version}`;
  const missing = (why: string, remedy?: string): SandboxAgentError<"cli_missing"> =>
    new SandboxAgentError("cli_missing", `${name}: "${cli.command}" is not in the sandbox, and ${why}.`, {
      details: { agent: name, command: cli.command },
      ...(remedy === undefined ? {} : { remedy }),
    });
  if (cli.package === "") {
    throw missing("no npm package brings it", "Put the CLI into the image, or name it with `command`.");
  }
  if (!backend.install) throw missing("its installation is switched off (install: false)");
  if (facts.get("npm") === undefined) throw missing("neither is npm, to install it with");
  const node = Number(/^v(\d+)/.exec(facts.get("node") ?? "")?.[1] ?? 0);
  if (cli.nodeMajor !== undefined && node < cli.nodeMajor) {
    throw missing(
      `it needs Node ${String(cli.nodeMajor)} or newer, where the sandbox has ${facts.get("node") ?? "none"}`,
    );
  }
  options.onProgress({ phase: "install", message: `Installing ${specifier} from npm` });
  const installed = await runScript(
    sandbox,
    installScript,
    [installFolder(cli), specifier, ...cli.executables],
    options,
  );
  const executable = installed.facts.get("executable");
  if (installed.exitCode !== 0 || executable === undefined) {
    throw new SandboxAgentError(
      "cli_install_failed",
      `${name}: npm could not install ${specifier} in the sandbox (exit code ${String(installed.exitCode)}).\n${installed.stderr}`,
      { details: { agent: name, package: specifier, output: installed.stderr } },
    );
  }
  options.onProgress({ phase: "install", message: `Installed ${specifier}`, fraction: 1 });
  return executable;
}

interface ScriptResult {
  readonly facts: ReadonlyMap<string, string>;
  readonly exitCode: number;
  readonly stderr: string;
}

async function runScript(
  sandbox: Sandbox,
  script: string,
  parameters: readonly string[],
  options: PrepareOptions,
): Promise<ScriptResult> {
  const command = { argv: ["/bin/sh", "-c", script, "playpen", ...parameters] as const, env: options.env };
  const { exitCode, stdout, stderr } = await runCommand(sandbox, command, { signal: options.signal });
  const facts = new Map<string, string>();
  for (const line of Buffer.from(stdout).toString("utf8").split("\n")) {
    const match = /^playpen:(\w+)=(.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) facts.set(match[1], match[2]);
  }
  const text = options.redactor.redact(Buffer.from(stderr).toString("utf8")).trim();
  return { facts, exitCode, stderr: text.slice(-4000) };
}

/** The version stands in the folder's name, so that another version of the library installs its own beside it. */
function installFolder(cli: CliRecipe): string {
  return `cli/${cli.package.replace(/^@/, "").replaceAll("/", "-")}-${cli.version}`;
}

const findExecutable = `
find_executable() {
  for candidate; do
    if [ -x "$folder/node_modules/$candidate" ]; then
      echo "${marker}executable=$folder/node_modules/$candidate"
      return 0
    fi
  done
  return 1
}`;

const findRoot = `
root=\${HOME:-/nonexistent}/.playpen
if ! mkdir -p "$root" 2>/dev/null || ! [ -w "$root" ]; then
  root=/tmp/.playpen-$(id -u)
  ( umask 077; mkdir "$root" 2>/dev/null )
  # Anybody may make a folder of that name in /tmp: programs are run only from one's own.
  [ -d "$root" ] && ! [ -L "$root" ] && [ -O "$root" ] || exit 1
fi`;

// An installed CLI of the pinned version goes before one that is found on PATH under the same name.
const probeScript = `
${findRoot}
state=$root/$1
folder=$root/$2
command=$3
shift 3
${findExecutable}
umask 077
mkdir -p "$state" || exit 1
echo "${marker}state=$state"
[ -z "$command" ] && exit 0
find_executable "$@" && exit 0
if found=$(command -v "$command") && [ -x "$found" ]; then
  echo "${marker}executable=$found"
  exit 0
fi
command -v npm >/dev/null && echo "${marker}npm=1"
command -v node >/dev/null && echo "${marker}node=$(node --version)"
exit 0`;

// Installed aside and moved into place: a killed installation leaves nothing that looks complete.
const installScript = `
${findRoot}
folder=$root/$1
specifier=$2
shift 2
${findExecutable}
umask 077
# What installations have left that were killed. None takes as long as an hour.
find "$root/cli" -maxdepth 1 -name '*.part-*' -mmin +60 -exec rm -rf {} + 2>/dev/null
part=$folder.part-$$
trap 'rm -rf "$part"' EXIT
mkdir -p "$part" && cd "$part" || exit 1
echo '{"private":true}' > package.json
npm install --no-audit --no-fund --no-update-notifier --no-progress --loglevel=error --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 "$specifier" >&2 || exit $?
# Another session may have installed it meanwhile, and run it already.
find_executable "$@" && exit 0
rm -rf "$folder"
mv "$part" "$folder" || exit 1
find_executable "$@" && exit 0
echo "$specifier has none of the programs: $*" >&2
exit 1`;

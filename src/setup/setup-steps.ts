import type { Environment } from "../spec/sandbox.ts";
import type { GitClone, Setup, SetupPackages } from "./setup.ts";

/** One thing to do in the sandbox. */
export interface SetupStep {
  /** For progress and errors; holds no secret. */
  readonly name: string;
  /** Whether the same step comes to the same result each time, so that a snapshot can stand for it. */
  readonly isRepeatable: boolean;
  readonly action: CommandAction | FileAction;
  /** Values that no output may show. */
  readonly secrets?: readonly string[];
}

export interface CommandAction {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Environment;
  /** Run as root where the provider has users; otherwise by `sudo` where the sandbox's user is not root. */
  readonly asRoot: boolean;
}

export interface FileAction {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** The steps of a set-up, in their order. */
export function setupSteps({
  packages = {},
  git = [],
  files = {},
  commands = [],
}: Setup): readonly SetupStep[] {
  const clones = "url" in git ? [git] : git;
  return [
    ...packageSteps(packages),
    ...clones.map(cloneStep),
    ...Object.entries(files).map(([path, content]) => ({
      name: `file ${path}`,
      isRepeatable: true,
      action: { path, content },
    })),
    ...commands.map(commandStep),
  ];
}

/** `run` is a command as root; `$@` are the packages. */
const managers: { readonly [Name in keyof Required<SetupPackages>]: { script: string; asRoot: boolean } } = {
  apt: {
    script:
      "run apt-get update -q && run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --",
    asRoot: true,
  },
  npm: { script: "run npm install --global --no-fund --no-audit --", asRoot: true },
  pip: {
    // A sandbox has no other packages of its own to protect, which is what the newer pips insist on.
    script:
      "run env PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-input --disable-pip-version-check --",
    asRoot: true,
  },
  gem: { script: "run gem install --no-document --", asRoot: true },
  cargo: { script: "cargo install --locked --", asRoot: false },
  go: { script: "go install --", asRoot: false },
};

const rootPrelude = `run() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi; }`;

function packageSteps(packages: SetupPackages): readonly SetupStep[] {
  return (["apt", "npm", "pip", "gem", "cargo", "go"] as const).flatMap((manager) => {
    const names = packages[manager] ?? [];
    if (names.length === 0) return [];
    const { script, asRoot } = managers[manager];
    const wanted =
      manager === "go" ? names.map((name) => (name.includes("@") ? name : `${name}@latest`)) : names;
    const argv = ["/bin/sh", "-c", `${rootPrelude}\n${script} "$@"`, "playpen-setup", ...wanted] as const;
    return {
      name: `${manager}: ${names.join(" ")}`,
      isRepeatable: true,
      action: { argv, asRoot },
    };
  });
}

function commandStep(command: string | readonly string[]): SetupStep {
  const [program = "", ...args] = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
  return {
    name: typeof command === "string" ? command : command.join(" "),
    isRepeatable: true,
    action: { argv: [program, ...args], asRoot: false },
  };
}

const isCommit = /^[0-9a-f]{40}$/;

// The helper is named for one host: redirects and submodules elsewhere do not get the token. As \`git -c\`, and not
// \`git clone -c\`, nothing of it is kept in the repository.
const cloneScript = `
url=$1 path=$2 ref=$3 commit=$4 depth=$5 origin=$6
authenticated() {
  if [ -z "$origin" ]; then git "$@"; return; fi
  git -c credential.helper= -c "credential.$origin.helper=" -c "credential.$origin.helper=!f() {
    [ \\"\\$1\\" = get ] || return 0
    printf 'username=%s\\\\npassword=%s\\\\n' \\"\\$PLAYPEN_GIT_USERNAME\\" \\"\\$PLAYPEN_GIT_TOKEN\\"
  }; f" "$@"
}
mkdir -p -- "$path" || exit
if [ -n "$commit" ]; then
  git init -q -- "$path" && cd -- "$path" && git remote add origin "$url" || exit
  authenticated fetch -q \${depth:+--depth "$depth"} origin "$commit" && git checkout -q --detach FETCH_HEAD
else
  authenticated clone -q \${depth:+--depth "$depth"} \${ref:+--branch "$ref"} -- "$url" "$path"
fi
`;

function cloneStep({ url, ref = "", path = ".", depth, token, username }: GitClone): SetupStep {
  const commit = isCommit.test(ref);
  const origin = token === undefined ? "" : originOf(url);
  const parameters = [url, path, commit ? "" : ref, commit ? ref : "", String(depth ?? ""), origin];
  return {
    name: `git clone ${url}${ref === "" ? "" : ` at ${ref}`}`,
    isRepeatable: commit,
    action: {
      argv: ["/bin/sh", "-c", cloneScript, "playpen-setup", ...parameters],
      env: {
        GIT_TERMINAL_PROMPT: "0",
        ...(token === undefined
          ? {}
          : { PLAYPEN_GIT_TOKEN: token, PLAYPEN_GIT_USERNAME: username ?? "x-access-token" }),
      },
      asRoot: false,
    },
    ...(token === undefined ? {} : { secrets: [token] }),
  };
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

import {
  arrayField,
  booleanField,
  modelFailure,
  objectField,
  stringField,
  type AcpFileChange,
  type AcpToolCall,
  type AcpToolFacts,
  type JsonRpcError,
  type TurnErrorInfo,
} from "../../../src/kit.ts";
import { keys, npmCli, type AcpPreset } from "./preset.ts";

export const opencode: AcpPreset = {
  product: "OpenCode",
  cli: npmCli("opencode", "opencode-ai", "1.18.33", [
    "opencode-linux-x64/bin/opencode",
    "opencode-linux-arm64/bin/opencode",
    "opencode-darwin-arm64/bin/opencode",
    "opencode-darwin-x64/bin/opencode",
  ]),
  args: ["acp"],
  env: { OPENCODE_DISABLE_AUTOUPDATE: "1" },
  start: () => ({ prefix: ["sh", "-c", startScript, "sh"] }),
  credentials: keys("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "OPENCODE_API_KEY"),
  profile: {
    // What it tells is that of the turn's last request.
    usage: [],
    // So it answers for a session that it does not know.
    isSessionMissing: ({ message }) => /service failure|not found/i.test(message),
    failureOf,
    describeTool,
    fileChanges,
  },
  capabilities: { usage: false },
};

/** It tells the words of the API's error and its own name for it, and not the status. */
function failureOf({ message, data }: JsonRpcError): TurnErrorInfo | undefined {
  const told = message.replace(/^Internal error: /, "");
  switch (stringField(data, "errorName")) {
    case "ProviderAuthError":
      return { code: "authentication_failed", message: told, retryable: false };
    case "ContextOverflowError":
      return { code: "context_too_long", message: told, retryable: false };
    case "APIError": {
      const failure = modelFailure(told);
      return failure.code === "agent_error" ? { ...failure, code: "model_error" } : failure;
    }
    default:
      return undefined;
  }
}

/**
 * Becomes the CLI. Of processes that start side by side where there is no database yet, each would make it, and all but
 * one would fail: the others wait until the first has nothing to write any more.
 */
export const startScript = `data="\${XDG_DATA_HOME:-$HOME/.local/share}/opencode"
mkdir -p "$data"
if [ ! -e "$data/playpen-ready" ] && ! (set -C && echo $$ >"$data/playpen-first") 2>/dev/null; then
  first=$(cat "$data/playpen-first")
  before=
  waits=0
  while [ "$waits" -lt 60 ] && [ -n "$first" ] && kill -0 "$first" 2>/dev/null; do
    now=$(ls -ln "$data"/opencode.db* 2>/dev/null)
    [ -z "$now" ] || [ "$now" != "$before" ] || break
    before=$now
    waits=$((waits + 1))
    sleep 1
  done
  : >"$data/playpen-ready"
fi
exec "$@"`;

/** A call's first title is the tool's name. */
function describeTool({ firstTitle }: AcpToolCall): Partial<AcpToolFacts> | undefined {
  return firstTitle !== undefined && /^[\w-]+$/.test(firstTitle) ? { name: firstTitle } : undefined;
}

/** Only while it asks does it show diffs; where it does not, the result tells. */
function fileChanges({ fields }: AcpToolCall): readonly AcpFileChange[] {
  const metadata = objectField(objectField(fields, "rawOutput"), "metadata");
  const input = objectField(fields, "rawInput");
  const written = stringField(metadata, "filepath");
  if (written !== undefined) {
    return [{ path: written, change: booleanField(metadata, "exists") === false ? "added" : "modified" }];
  }
  const edited = stringField(objectField(metadata, "filediff"), "file");
  if (edited !== undefined) {
    const isNew = stringField(input, "oldString") === "";
    return [{ path: edited, change: isNew ? "added" : "modified", ...diffOf(stringField(metadata, "diff")) }];
  }
  return arrayField(metadata, "files").flatMap((file): AcpFileChange[] => {
    const path = stringField(file, "filePath");
    const type = stringField(file, "type");
    if (path === undefined) return [];
    const diff = diffOf(stringField(file, "patch") ?? stringField(file, "diff"));
    const movedTo = stringField(file, "movePath");
    if (movedTo !== undefined)
      return [
        { path, change: "deleted" },
        { path: movedTo, change: "added", ...diff },
      ];
    return [{ path, change: type === "add" ? "added" : type === "delete" ? "deleted" : "modified", ...diff }];
  });
}

function diffOf(diff: string | undefined): { readonly diff?: string } {
  return diff === undefined || diff === "" ? {} : { diff };
}

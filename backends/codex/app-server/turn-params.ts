import type { AgentContentPart, JsonObject } from "../../../src/kit.ts";
import type { AppServerInput } from "./handshake.ts";

const sandboxPolicies: { readonly [mode: string]: JsonObject } = {
  "read-only": { type: "readOnly", networkAccess: false },
  "workspace-write": {
    type: "workspaceWrite",
    writableRoots: [],
    networkAccess: false,
    excludeTmpdirEnvVar: false,
    excludeSlashTmp: false,
  },
  "danger-full-access": { type: "dangerFullAccess" },
};

/** What `turn/start` takes. */
export function turnParams(
  input: AppServerInput,
  threadId: string,
  content: readonly AgentContentPart[],
  model: string | undefined,
): JsonObject {
  const sandboxPolicy = input.trustsProject ? undefined : sandboxPolicies[input.sandboxMode];
  return {
    threadId,
    input: content.map(userInput),
    ...(model === undefined ? {} : { model }),
    ...(sandboxPolicy === undefined ? {} : { sandboxPolicy }),
  };
}

export function userInput(part: AgentContentPart): JsonObject {
  if (part.type === "text") return { type: "text", text: part.text };
  return { type: "image", url: `data:${part.mediaType};base64,${base64(part.data)}` };
}

function base64(data: Uint8Array): string {
  let binary = "";
  // In pieces: a call takes only so many arguments.
  for (let start = 0; start < data.length; start += 8192) {
    binary += String.fromCharCode(...data.subarray(start, start + 8192));
  }
  return btoa(binary);
}

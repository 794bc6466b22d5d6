import type { AgentContentPart, JsonObject, TurnInput } from "../../../src/kit.ts";
import { promptContent, strictSchema } from "../strict-schema.ts";
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

/** The thread that a turn is for, as Codex tells it. */
export interface ThreadState {
  readonly threadId: string;
  readonly model: string | undefined;
  /** The mode of work that it is in. */
  readonly agentMode: string;
}

/** What `turn/start` takes. Without a `model` the thread keeps its own. */
export function turnParams(
  input: AppServerInput,
  thread: ThreadState,
  turn: TurnInput,
  model: string | undefined,
): JsonObject {
  const { effort } = input;
  const sandboxPolicy = input.trustsProject ? undefined : sandboxPolicies[input.sandboxMode];
  const collaborationMode = collaborationModeOf(input, thread, model ?? thread.model);
  const outputSchema = turn.outputSchema && strictSchema(turn.outputSchema);
  return {
    threadId: thread.threadId,
    input: promptContent(turn).map(userInput),
    ...(model === undefined ? {} : { model }),
    // A resumed thread would go on as it was left, whatever the settings of the process.
    ...(effort === undefined ? {} : { effort }),
    ...(sandboxPolicy === undefined ? {} : { sandboxPolicy }),
    ...(collaborationMode === undefined ? {} : { collaborationMode }),
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

/** The mode of work, which a thread keeps when it is resumed, too: a session that asks for none has to say so then. */
function collaborationModeOf(
  { agentMode = "default", effort }: AppServerInput,
  thread: ThreadState,
  model: string | undefined,
): JsonObject | undefined {
  if (model === undefined || (agentMode === "default" && thread.agentMode === "default")) return undefined;
  return {
    mode: agentMode,
    settings: { model, reasoning_effort: effort ?? null, developer_instructions: null },
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

import {
  arrayField,
  stringField,
  type AgentContentPart,
  type AgentSessionInput,
  type JsonObject,
  type NativeSession,
} from "../../../src/kit.ts";
import { isGateArmed } from "../tool-gate.ts";

export interface AppServerInput extends AgentSessionInput {
  readonly model?: string;
  readonly sandboxMode: string;
  readonly trustsProject: boolean;
}

export function initializeParams(libraryVersion: string): JsonObject {
  return {
    clientInfo: { name: "playpen", title: "playpen", version: libraryVersion },
    // The list of background terminals belongs to it: an interrupted command has to be ended there.
    capabilities: { experimentalApi: true, requestAttestation: false },
  };
}

/** The request that gives the session its thread. */
export function threadRequest(
  input: AppServerInput,
  model: string | undefined,
  resume: NativeSession | undefined,
): { readonly method: string; readonly params: JsonObject } {
  const params = {
    cwd: input.cwd,
    ...(model === undefined ? {} : { model }),
    approvalPolicy: approvalPolicy(input),
    approvalsReviewer: "user",
    // Starting a thread that may write marks the folder as trusted, and its settings apply from then on: a thread
    // for a folder that is not trusted starts read-only, and each turn is given what it may do.
    sandbox: input.trustsProject ? input.sandboxMode : "read-only",
  };
  if (resume === undefined) return { method: "thread/start", params };
  return {
    method: resume.fork ? "thread/fork" : "thread/resume",
    params: { ...params, threadId: resume.nativeSessionId, excludeTurns: true },
  };
}

/** `untrusted` puts every command to the host; what knows no approval is refused by the gate. */
export function approvalPolicy(input: AppServerInput): string {
  return input.permissions === "allow-all" ? "never" : "untrusted";
}

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

/** Whether the answer to `hooks/list` shows the hook that refuses what nobody could be asked about. */
export function gateIsListed(input: AppServerInput, result: unknown): boolean {
  return arrayField(result, "data")
    .flatMap((folder) => arrayField(folder, "hooks"))
    .some((hook) => isGateArmed(input.permissions, hook));
}

/** What a thread's response says of the session. */
export function threadFacts(result: unknown): { readonly id?: string; readonly model?: string } {
  const thread =
    typeof result === "object" && result !== null && "thread" in result ? result.thread : undefined;
  const id = stringField(thread, "id");
  const model = stringField(result, "model");
  return { ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }) };
}

import {
  arrayField,
  objectField,
  stringField,
  type AgentSessionInput,
  type JsonObject,
  type NativeSession,
  type TurnErrorInfo,
} from "../../../src/kit.ts";
import { mcpServers } from "../mcp-servers.ts";
import { isThreadMissing, turnError } from "../errors.ts";
import { skillFolder } from "../session-skills.ts";
import { ToolGate } from "../tool-gate.ts";

export interface AppServerInput extends AgentSessionInput {
  readonly model?: string;
  readonly sandboxMode: string;
  readonly trustsProject: boolean;
  /** How hard the model is to think. */
  readonly effort?: string;
}

/** The requests that come before the first prompt, in their order. */
export type HandshakeStage = "initialize" | "hooks" | "skills" | "thread";

/** What follows from an answer to one of them. */
export type HandshakeOutcome =
  | {
      readonly type: "request";
      readonly stage: HandshakeStage;
      readonly method: string;
      readonly params: JsonObject;
    }
  | {
      readonly type: "ready";
      readonly threadId: string;
      readonly model?: string;
      /** The mode of work in which a resumed thread was left. */
      readonly agentMode?: string;
    }
  | { readonly type: "failed"; readonly error: TurnErrorInfo }
  | { readonly type: "lost" };

/** Takes one process of the app-server to the point where it has a thread. */
export class Handshake {
  readonly #input: AppServerInput;
  readonly #model: string | undefined;
  readonly #resume: NativeSession | undefined;
  readonly #gate: ToolGate | undefined;

  constructor(input: AppServerInput, model: string | undefined, resume: NativeSession | undefined) {
    this.#input = input;
    this.#model = model;
    this.#resume = resume;
    this.#gate = ToolGate.of(input);
  }

  get isResumed(): boolean {
    return this.#resume !== undefined;
  }

  begin(): HandshakeOutcome {
    const params = {
      clientInfo: { name: "playpen", title: "playpen", version: this.#input.libraryVersion },
      // The list of background terminals belongs to it: an interrupted command has to be ended there.
      capabilities: { experimentalApi: true, requestAttestation: false },
    };
    return { type: "request", stage: "initialize", method: "initialize", params };
  }

  answered(stage: HandshakeStage, result: unknown): HandshakeOutcome {
    switch (stage) {
      case "initialize":
        if (this.#gate === undefined) return this.#skills();
        return { type: "request", stage: "hooks", method: "hooks/list", params: { cwds: [this.#input.cwd] } };
      case "hooks":
        return this.#isGateListed(result)
          ? this.#skills()
          : failed(
              "This Codex does not take the hook by which tool calls are held back, so permissions cannot be enforced. Use the version that the backend pins.",
            );
      case "skills":
        return this.#thread();
      case "thread":
        return this.#threadAnswered(result);
    }
  }

  refused(stage: HandshakeStage, message: string): HandshakeOutcome {
    if (stage === "thread" && this.isResumed && isThreadMissing(message)) return { type: "lost" };
    return failed(turnError({ message }).message);
  }

  #skills(): HandshakeOutcome {
    const { skills = [] } = this.#input;
    if (skills.length === 0) return this.#thread();
    const params = { extraRoots: [skillFolder(this.#input)] };
    return { type: "request", stage: "skills", method: "skills/extraRoots/set", params };
  }

  #thread(): HandshakeOutcome {
    const { cwd, trustsProject, sandboxMode, permissions, systemPrompt } = this.#input;
    const params = {
      cwd,
      ...(this.#model === undefined ? {} : { model: this.#model }),
      // `untrusted` puts every command to the host; what knows no approval is refused by the gate.
      approvalPolicy: permissions === "allow-all" ? "never" : "untrusted",
      approvalsReviewer: "user",
      // Starting a thread that may write marks the folder as trusted, and its settings apply from then on: a thread
      // for a folder that is not trusted starts read-only, and each turn is given what it may do.
      sandbox: trustsProject ? sandboxMode : "read-only",
      ...(systemPrompt === undefined
        ? {}
        : "replace" in systemPrompt
          ? { baseInstructions: systemPrompt.replace }
          : { developerInstructions: systemPrompt.append }),
      config: { mcp_servers: mcpServers(this.#input) },
    };
    const resume = this.#resume;
    if (resume === undefined) return { type: "request", stage: "thread", method: "thread/start", params };
    return {
      type: "request",
      stage: "thread",
      method: resume.fork ? "thread/fork" : "thread/resume",
      params: { ...params, threadId: resume.nativeSessionId, excludeTurns: true },
    };
  }

  #threadAnswered(result: unknown): HandshakeOutcome {
    const thread =
      typeof result === "object" && result !== null && "thread" in result ? result.thread : undefined;
    const threadId = stringField(thread, "id");
    const model = stringField(result, "model");
    if (threadId === undefined) return failed("Codex gave its thread no id.");
    const resume = this.#resume;
    if (resume !== undefined && !resume.fork && threadId !== resume.nativeSessionId) return { type: "lost" };
    const agentMode = stringField(objectField(result, "collaborationMode"), "mode");
    return {
      type: "ready",
      threadId,
      ...(model === undefined ? {} : { model }),
      ...(agentMode === undefined ? {} : { agentMode }),
    };
  }

  /** Whether the answer to `hooks/list` shows the hook that refuses what nobody could be asked about. */
  #isGateListed(result: unknown): boolean {
    return arrayField(result, "data")
      .flatMap((folder) => arrayField(folder, "hooks"))
      .some((hook) => this.#gate?.isArmed(hook) === true);
  }
}

function failed(message: string): HandshakeOutcome {
  return { type: "failed", error: { code: "session_start_failed", message, retryable: false } };
}

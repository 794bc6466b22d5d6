import {
  arrayField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServerStatus,
  type NativeSession,
  type ProtocolInput,
  type TurnErrorInfo,
} from "../../src/kit.ts";
import { isSessionMissing, startError, startRefusal, unknownModel, type Refusal } from "./failures.ts";
import { fitsVariable } from "./launch.ts";
import { modelName, type ModelCatalog } from "./models.ts";
import { serverList, serverStatuses } from "./servers.ts";
import { firstRules, ruleFields, rulesFor } from "./tool-rules.ts";

/** A request of the handshake. */
export interface HandshakeRequest {
  readonly step: Step;
  readonly method: string;
  readonly params: JsonObject;
}

type Step = "initialize" | "load" | "fork" | "folder" | "settings" | "tools" | "confine" | "servers";

/** What follows from an answer: the next request, or the end of the handshake. */
export type HandshakeResult =
  | HandshakeRequest
  | { readonly isLost: true }
  | { readonly error: TurnErrorInfo }
  | { readonly session: HandshakeSession };

/** The session once it can be prompted. */
export interface HandshakeSession {
  readonly nativeSessionId: string;
  readonly model: string | undefined;
  readonly mcpServers: readonly McpServerStatus[];
  readonly notices: readonly AgentEventBody[];
  /** What Droid tells of the tokens that the session has used. */
  readonly usage: unknown;
}

/**
 * Begins a session, or takes one up. One that is taken up brings its own settings along, those of its permissions
 * included: each is said anew.
 */
export class Handshake {
  readonly #input: ProtocolInput;
  readonly #catalog: ModelCatalog;
  readonly #resume: NativeSession | undefined;
  /** As hosts name it; absent where the choice is Droid's. */
  readonly #model: string | undefined;
  #nativeSessionId: string | undefined;
  #isForked = false;
  #toldModelId: string | undefined;
  #usage: unknown;
  #unknownTools: readonly string[] = [];
  #mcpServers: readonly McpServerStatus[] = [];

  constructor(
    input: ProtocolInput,
    catalog: ModelCatalog,
    start: { readonly resume?: NativeSession; readonly model: string | undefined },
  ) {
    this.#input = input;
    this.#catalog = catalog;
    this.#resume = start.resume;
    this.#model = start.model;
    this.#nativeSessionId = start.resume?.nativeSessionId;
  }

  first(): HandshakeRequest {
    return this.#resume === undefined ? this.#initialize() : this.#load();
  }

  answered(step: string, result: unknown, refusal: Refusal | undefined): HandshakeResult {
    if (refusal !== undefined) return this.#refused(step, refusal);
    switch (step) {
      case "initialize":
      case "load":
        return this.#begun(step, result);
      case "fork":
        this.#nativeSessionId = stringField(result, "newSessionId");
        this.#isForked = true;
        return this.#nativeSessionId === undefined ? noId : this.#load();
      case "folder":
        return this.#settings();
      case "settings":
        return this.#afterSettings();
      case "tools": {
        const rules = rulesFor(this.#input.allowedTools ?? [], this.#input, result);
        this.#unknownTools = rules.unknown;
        return { step: "confine", method: "update_session_settings", params: ruleFields(rules) };
      }
      case "confine":
        return this.#afterTools();
      default:
        this.#mcpServers = serverStatuses(this.#input.mcpServers, result);
        return this.#done();
    }
  }

  #initialize(): HandshakeRequest {
    const { sessionId, cwd, mcpServers, systemPrompt } = this.#input;
    const params = {
      machineId: sessionId,
      cwd,
      // Without a title, Droid asks the model for one.
      title: `Session ${sessionId}`,
      mcpServers: serverList(mcpServers),
      blockOnMcpLoad: true,
      ...this.#conduct(),
      ...(systemPrompt === undefined || fitsVariable(systemPrompt)
        ? {}
        : { systemPrompt: "replace" in systemPrompt ? systemPrompt.replace : systemPrompt }),
    };
    return { step: "initialize", method: "initialize_session", params };
  }

  #load(): HandshakeRequest {
    const params = {
      sessionId: this.#nativeSessionId,
      mcpServers: serverList(this.#input.mcpServers),
      blockOnMcpLoad: true,
      // What was said is not wanted once more.
      messageLimit: 1,
    };
    return { step: "load", method: "load_session", params };
  }

  /** Settings that a session keeps. */
  #conduct(): JsonObject {
    const { permissions, agentMode, thinking } = this.#input;
    return {
      autonomyLevel: permissions === "allow-all" ? "high" : "off",
      interactionMode: agentMode ?? "auto",
      ...ruleFields(firstRules(this.#input)),
      ...(this.#model === undefined ? {} : { modelId: this.#catalog.idOf(this.#model) ?? this.#model }),
      ...(thinking === undefined ? {} : { reasoningEffort: thinking }),
    };
  }

  #begun(step: "initialize" | "load", result: unknown): HandshakeResult {
    this.#nativeSessionId = stringField(result, "sessionId") ?? this.#nativeSessionId;
    if (this.#nativeSessionId === undefined) return noId;
    this.#catalog.learn(arrayField(result, "availableModels"));
    if (this.#model !== undefined && this.#catalog.idOf(this.#model) === undefined) {
      return { error: startError(unknownModel(this.#model)) };
    }
    this.#toldModelId = stringField(objectField(result, "settings"), "modelId");
    if (step === "initialize") return this.#afterSettings();
    if (this.#resume?.fork === true && !this.#isForked) {
      return { step: "fork", method: "fork_session", params: {} };
    }
    const { inclusiveTokenUsage, tokenUsage } = objectField({ result }, "result");
    this.#usage = inclusiveTokenUsage ?? tokenUsage;
    const params = { workingDirectory: this.#input.cwd };
    return { step: "folder", method: "change_working_directory", params };
  }

  #settings(): HandshakeRequest {
    return { step: "settings", method: "update_session_settings", params: this.#conduct() };
  }

  #afterSettings(): HandshakeResult {
    const { allowedTools, permissions } = this.#input;
    if (allowedTools === undefined || permissions === "deny-all") return this.#afterTools();
    // Without a rule of its own it goes by the session's, and fails over one that names no tool.
    return { step: "tools", method: "list_tools", params: { restrictToolIds: [] } };
  }

  #afterTools(): HandshakeResult {
    if (Object.keys(this.#input.mcpServers).length === 0) return this.#done();
    return { step: "servers", method: "list_mcp_tools", params: {} };
  }

  #done(): HandshakeResult {
    if (this.#nativeSessionId === undefined) return noId;
    return {
      session: {
        nativeSessionId: this.#nativeSessionId,
        model: this.#model ?? (this.#toldModelId === undefined ? undefined : modelName(this.#toldModelId)),
        mcpServers: this.#mcpServers,
        notices: this.#unknownTools.map((name) => ({
          type: "agent.notice",
          level: "warning",
          message: `Droid has no tool ${name} that could be allowed.`,
        })),
        usage: this.#usage,
      },
    };
  }

  #refused(step: string, refusal: Refusal): HandshakeResult {
    if (step === "load" && isSessionMissing(refusal)) return { isLost: true };
    if (step === "folder") {
      const message = `The session belongs to another folder, and Droid does not go on with it in ${this.#input.cwd}: ${refusal.message}`;
      return { error: startError(message) };
    }
    return { error: startRefusal(refusal, this.#model) };
  }
}

const noId: HandshakeResult = { error: startError("Droid gave its session no id.") };

import { isJsonObject, stringField } from "../../kit/json.ts";
import { show } from "../../kit/validate-options.ts";
import type { NativeSession, ProtocolInput } from "../../spec/backend.ts";
import type { TurnErrorInfo } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import { jsonRpcErrors, type JsonRpcError } from "../json-rpc.ts";
import { agentFacts, type AgentFacts, authMethods } from "./agent-facts.ts";
import {
  asksForAuthentication,
  authFailure,
  errorMessage,
  isSessionMissing,
  requestFailure,
} from "./errors.ts";
import { acpMcpServers } from "./mcp-servers.ts";
import type { AcpProfile } from "./profile.ts";
import { SessionSettings, type SettingRequest } from "./session-settings.ts";

export type HandshakeStage =
  | { readonly type: "initialize" }
  | { readonly type: "authenticate"; readonly methodId: string }
  | { readonly type: "session" }
  | { readonly type: "setting"; readonly request: SettingRequest; readonly what: string };

export type HandshakeOutcome =
  | {
      readonly type: "request";
      readonly stage: HandshakeStage;
      readonly method: string;
      readonly params: JsonObject;
    }
  | { readonly type: "failed"; readonly error: TurnErrorInfo }
  | { readonly type: "lost" }
  | { readonly type: "ready"; readonly sessionId: string };

const protocolVersion = 1;
const noFacts = agentFacts(undefined);

/** From `initialize` to a session that can be prompted: authentication, session, mode, model, config options. */
export class Handshake {
  readonly settings = new SessionSettings();
  readonly #input: ProtocolInput;
  readonly #profile: AcpProfile;
  readonly #model: string | undefined;
  readonly #resume: NativeSession | undefined;
  readonly #triedMethods: string[] = [];
  #facts: AgentFacts = noFacts;
  #sessionId: string | undefined;
  /** Some agents declare that they can resume, and cannot. */
  #cannotResume = false;
  /** What is still to be set, and how people call it. */
  #toSet: (readonly [what: string, request: () => SettingRequest | string])[] = [];

  constructor(
    input: ProtocolInput,
    profile: AcpProfile,
    model: string | undefined,
    resume: NativeSession | undefined,
  ) {
    this.#input = input;
    this.#profile = profile;
    this.#model = model;
    this.#resume = resume;
  }

  get facts(): AgentFacts {
    return this.#facts;
  }

  /** Whether an earlier session is taken up. */
  get isResumed(): boolean {
    return this.#resume !== undefined;
  }

  /** Whether the agent replays the session's history. */
  get replays(): boolean {
    return this.#resume !== undefined && this.#resumeMethod(this.#resume) === "session/load";
  }

  begin(): HandshakeOutcome {
    const params = {
      protocolVersion,
      clientCapabilities: {
        fs: { readTextFile: false, writeTextFile: false },
        terminal: false,
        ...this.#profile.clientCapabilities,
      },
      clientInfo: { name: "playpen", title: "playpen", version: this.#input.libraryVersion },
    };
    return { type: "request", stage: { type: "initialize" }, method: "initialize", params };
  }

  answered(stage: HandshakeStage, result: unknown): HandshakeOutcome {
    switch (stage.type) {
      case "initialize":
        this.#facts = agentFacts(result);
        return this.#initialized(result);
      case "authenticate":
        return this.#openSession();
      case "session":
        return this.#sessionOpened(result);
      case "setting":
        this.settings.accepted(stage.request);
        this.settings.learn(result);
        return this.#nextSetting();
    }
  }

  refused(stage: HandshakeStage, error: JsonRpcError): HandshakeOutcome {
    const message = errorMessage(error);
    switch (stage.type) {
      case "initialize":
        return this.#failed(`did not take the library as its client: ${message}`, error);
      case "authenticate":
        return this.#authenticate(message);
      case "session":
        return this.#sessionRefused(error, message);
      case "setting":
        return this.#failed(`did not take the ${stage.what}: ${message}`, error);
    }
  }

  #initialized(result: unknown): HandshakeOutcome {
    const version = isJsonObject(result) ? result["protocolVersion"] : undefined;
    if (version !== protocolVersion) {
      const told = show(version);
      return this.#failed(`speaks version ${told} of the protocol, and the library version 1.`);
    }
    const missing = this.#missingCapability();
    if (missing !== undefined) return { type: "failed", error: missing };
    const first = this.#profile.authenticatesFirst === true ? this.#nextAuthMethod() : undefined;
    return first === undefined ? this.#openSession() : this.#authenticateBy(first);
  }

  #missingCapability(): TurnErrorInfo | undefined {
    const http = Object.entries(this.#input.mcpServers).find(([, server]) => server.type === "http")?.[0];
    if (http === undefined || this.#facts.takesHttpServers) return undefined;
    const message = `${this.#profile.product} reaches no MCP server by HTTP, as "${http}" is. Use one that is run by a command.`;
    return { code: "unsupported", message, retryable: false };
  }

  #openSession(): HandshakeOutcome {
    const shared = {
      cwd: this.#input.cwd,
      mcpServers: acpMcpServers(this.#input.mcpServers),
      ...this.#profile.sessionParams?.(this.#input),
    };
    const stage = { type: "session" } as const;
    const resume = this.#resume;
    if (resume === undefined) return { type: "request", stage, method: "session/new", params: shared };
    const method = this.#resumeMethod(resume);
    if (method === undefined) {
      if (!resume.fork) return { type: "lost" };
      return this.#unsupported("It cannot fork a session.");
    }
    return { type: "request", stage, method, params: { ...shared, sessionId: resume.nativeSessionId } };
  }

  #resumeMethod({ fork }: NativeSession): "session/fork" | "session/resume" | "session/load" | undefined {
    const { canFork, canLoad } = this.#facts;
    const canResume = this.#facts.canResume && !this.#cannotResume;
    if (fork) return canFork ? "session/fork" : undefined;
    switch (this.#profile.resumeBy) {
      case "none":
        return undefined;
      case "load":
        return canLoad ? "session/load" : undefined;
      case "resume":
        return canResume ? "session/resume" : undefined;
      case undefined:
        return canResume ? "session/resume" : canLoad ? "session/load" : undefined;
    }
  }

  #sessionOpened(result: unknown): HandshakeOutcome {
    const resumed = this.#resume?.fork === true ? undefined : this.#resume?.nativeSessionId;
    // Those who take up a session need not repeat its id.
    const sessionId = stringField(result, "sessionId") ?? resumed;
    if (sessionId === undefined) return this.#failed("gave no id for its session.");
    this.#sessionId = sessionId;
    this.settings.learn(result);
    this.#toSet = this.#wanted();
    return this.#nextSetting();
  }

  #wanted(): (readonly [string, () => SettingRequest | string])[] {
    const { settings } = this;
    const { agentMode } = this.#input;
    const thinking = this.#profile.thinkingBy === "launch" ? undefined : this.#input.thinking;
    const mode = this.#profile.sessionMode?.(this.#input) ?? agentMode;
    const model = this.#profile.modelBy === "launch" ? undefined : this.#model;
    return [
      ...(model === undefined || model === settings.model
        ? []
        : [["model", () => settings.setModel(model)] as const]),
      ...Object.entries(this.#profile.configOptions ?? {}).map(
        ([id, value]) => [`config option ${id}`, () => settings.setConfig(id, value)] as const,
      ),
      ...(thinking === undefined
        ? []
        : [
            [
              "level of thinking",
              () => settings.setThinking(thinking, this.#profile.thinkingOption),
            ] as const,
          ]),
      ...(mode === undefined || mode === settings.mode
        ? []
        : [["mode", () => settings.setMode(mode)] as const]),
    ];
  }

  #nextSetting(): HandshakeOutcome {
    const next = this.#toSet.shift();
    const sessionId = this.#sessionId ?? "";
    if (next === undefined) return { type: "ready", sessionId };
    const [what, make] = next;
    const request = make();
    if (typeof request === "string") return this.#unsupported(request);
    return {
      type: "request",
      stage: { type: "setting", request, what },
      method: request.method,
      params: { sessionId, ...request.params },
    };
  }

  #sessionRefused(error: JsonRpcError, message: string): HandshakeOutcome {
    if (asksForAuthentication(error)) {
      const offered = authMethods(error.data);
      if (this.#facts.authMethods.length === 0) this.#facts = { ...this.#facts, authMethods: offered };
      return this.#authenticate(message);
    }
    const method = this.#resume === undefined ? undefined : this.#resumeMethod(this.#resume);
    if (error.code === jsonRpcErrors.methodNotFound && method === "session/resume") {
      this.#cannotResume = true;
      return this.#openSession();
    }
    const isMissing = this.#profile.isSessionMissing?.(error) ?? isSessionMissing(error);
    if (this.#resume !== undefined && isMissing) return { type: "lost" };
    return this.#failed(`could not open a session: ${message}`, error);
  }

  /** Authenticates by the next method, or tells that none is left. */
  #authenticate(said: string): HandshakeOutcome {
    const next = this.#nextAuthMethod();
    if (next !== undefined) return this.#authenticateBy(next);
    const { authMethods: offered } = this.#facts;
    return { type: "failed", error: authFailure(this.#profile, said, offered, this.#triedMethods) };
  }

  #nextAuthMethod(): string | undefined {
    return this.#profile.authMethods?.find(
      (id) => !this.#triedMethods.includes(id) && this.#facts.authMethods.some((method) => method.id === id),
    );
  }

  #authenticateBy(methodId: string): HandshakeOutcome {
    this.#triedMethods.push(methodId);
    const stage = { type: "authenticate", methodId } as const;
    return { type: "request", stage, method: "authenticate", params: { methodId } };
  }

  #unsupported(reason: string): HandshakeOutcome {
    const message = `${this.#profile.product} cannot do what the session asks for. ${reason}`;
    return { type: "failed", error: { code: "unsupported", message, retryable: false } };
  }

  #failed(what: string, error?: JsonRpcError): HandshakeOutcome {
    const message = `${this.#profile.product} ${what}`;
    const cause = error === undefined ? undefined : requestFailure(error, this.#profile);
    if (cause === undefined || cause.code === "agent_error") {
      return { type: "failed", error: { code: "session_start_failed", message, retryable: false } };
    }
    return { type: "failed", error: { ...cause, message } };
  }
}

import {
  numberField,
  stringField,
  type JsonObject,
  type JsonRpcPeer,
  type NativeSession,
  type TurnErrorInfo,
} from "../../../src/kit.ts";
import { serverFailure } from "../events/failures.ts";
import type { RequestTag } from "./requests.ts";

/** What is to be done on the way to a session. */
export type OpeningStep =
  | { readonly write: string }
  | { readonly startError: TurnErrorInfo }
  /** The session to take up is not there. */
  | { readonly isLost: true };

/** The version of the server's protocol that this backend speaks. */
const protocolVersion = 3;

/** Leads from the start of the server to its session: a new one, one that is taken up, or a copy of one. */
export class SessionOpening {
  readonly #peer: JsonRpcPeer<RequestTag>;
  readonly #resume: NativeSession | undefined;
  readonly #config: () => JsonObject;
  #newSessionId = "";

  constructor(
    peer: JsonRpcPeer<RequestTag>,
    resume: NativeSession | undefined,
    /** What the session is created or taken up with. */
    config: () => JsonObject,
  ) {
    this.#peer = peer;
    this.#resume = resume;
    this.#config = config;
  }

  /** `newSessionId` is for a session that is not taken up. */
  start(newSessionId: string): string {
    this.#newSessionId = newSessionId;
    return this.#peer.request("connect", {}, { for: "connect" });
  }

  connected(result: unknown): OpeningStep {
    const version = numberField(result, "protocolVersion");
    if (version !== protocolVersion) {
      const cli = stringField(result, "version");
      const message = `The Copilot CLI${cli === undefined ? "" : ` ${cli}`} speaks version ${String(version)} of its protocol, where version ${String(protocolVersion)} is needed.`;
      return { startError: { code: "protocol_error", message, retryable: false } };
    }
    const resume = this.#resume;
    if (resume?.fork !== true) return this.#session(resume?.nativeSessionId);
    const params = { sessionId: resume.nativeSessionId };
    return { write: this.#peer.request("sessions.fork", params, { for: "fork" }) };
  }

  forked(result: unknown): OpeningStep {
    const sessionId = stringField(result, "sessionId");
    if (sessionId !== undefined) return this.#session(sessionId);
    const message = "Copilot did not tell the id of the copied session.";
    return { startError: { code: "protocol_error", message, retryable: false } };
  }

  refused(request: "connect" | "fork" | "session", message: string): OpeningStep {
    const error = serverFailure(message);
    if (request === "connect") return { startError: { ...error, code: "protocol_error" } };
    const isMissing = /session not found|no such session|session .* does not exist|invalid sessionId/i.test(
      message,
    );
    return this.#resume !== undefined && isMissing ? { isLost: true } : { startError: error };
  }

  #session(resumedId: string | undefined): OpeningStep {
    const isResumed = resumedId !== undefined;
    const params = { sessionId: resumedId ?? this.#newSessionId, ...this.#config() };
    const method = isResumed ? "session.resume" : "session.create";
    return { write: this.#peer.request(method, params, { for: "session", isResumed }) };
  }
}

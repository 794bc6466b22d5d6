import type { JsonObject } from "../../spec/json.ts";

/** What an answer reports as used, in tokens. A missing count is estimated from the texts. */
export interface ScriptUsage {
  readonly input?: number;
  readonly output?: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  readonly reasoning?: number;
}

/** A step that makes the model say something. */
export type ContentStep =
  /** `times` sends the text that often, each time as one delta; without it the text goes out word by word. */
  | { readonly type: "text"; readonly text: string; readonly times?: number }
  | { readonly type: "think"; readonly text: string }
  /** Says the earlier prompts of the conversation. */
  | { readonly type: "recall" };

/**
 * A step that makes the model call a tool. `together` puts the call into the same answer as the call before it;
 * otherwise it waits for that call's result.
 */
export type ToolStep = { readonly together?: boolean } & (
  | {
      readonly type: "tool";
      readonly name: string;
      /** A string is the raw input of a free-form tool. */
      readonly input: JsonObject | string;
    }
  /** Calls the shell tool that the CLI offers, whatever its name. */
  | { readonly type: "shell"; readonly command: string }
  /** Writes a file by the tool that the CLI offers for it. */
  | { readonly type: "write"; readonly path: string; readonly content: string }
  /** Asks the user by the tool that the CLI offers for it. */
  | { readonly type: "ask"; readonly question: string; readonly options: readonly string[] }
  /** Gives the structured answer that the CLI asked for: by its tool where it offers one, else as text. */
  | { readonly type: "json"; readonly value: JsonObject }
);

/**
 * A step that makes the API misbehave. With `times` only the first so many requests meet it, and the next one passes
 * it by; without, every request does.
 */
export type FaultStep =
  /** As the first step of an answer it is the HTTP status; behind content it is an error within the stream. */
  | {
      readonly type: "status";
      readonly status: number;
      readonly times?: number;
      readonly retryAfterSeconds?: number;
      readonly message?: string;
    }
  /** Sends nothing more, not even the headers when nothing was sent before, until the client leaves. */
  | { readonly type: "hang"; readonly times?: number }
  /** Closes the socket. */
  | { readonly type: "drop"; readonly times?: number }
  | { readonly type: "wait"; readonly durationMs: number };

/** A step that changes how the rest of the turn is answered. */
export type SettingStep =
  | { readonly type: "slow"; readonly delayMs: number }
  | { readonly type: "usage"; readonly usage: ScriptUsage }
  /** Why the answer ends: the API's own word, such as `max_tokens`, `length` or `MAX_TOKENS`. */
  | { readonly type: "stop"; readonly reason: string };

/** One thing that the model, or its API, does. */
export type ScriptStep = ContentStep | ToolStep | FaultStep | SettingStep;

/**
 * What the model does in one turn. It is cut into answers behind each tool call; which answer is due follows from the
 * tool results in the conversation. When the steps are used up, the model says that it is done.
 */
export type Script = readonly ScriptStep[];

/** Thrown when a script cannot be played; the client gets the message with status 400. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

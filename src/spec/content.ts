/** A piece of text in a prompt. */
export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

/** An image in a prompt, as bytes. */
export interface ImagePart {
  readonly type: "image";
  readonly data: Uint8Array;
  /** For example `image/png`. */
  readonly mediaType: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
}

/** A file that is put into the sandbox and named to the agent. */
export interface FilePart {
  readonly type: "file";
  /** The name the agent sees, without any folder. */
  readonly name: string;
  readonly data: Uint8Array | string;
}

/** A piece of a prompt. */
export type ContentPart = TextPart | ImagePart | FilePart;

/** What a host program may pass to `session.prompt()`. */
export type PromptInput = string | readonly ContentPart[];

/**
 * The content a backend receives: files are already in the sandbox, and were replaced by a text part that names
 * their path.
 */
export type AgentContentPart = TextPart | ImagePart;

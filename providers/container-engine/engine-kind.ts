/** What sets one engine apart from another that speaks the same API. */
export interface EngineKind {
  /** The provider's name, which is the prefix of its sandboxes' ids. */
  readonly name: string;
  /** As it is called in messages, for example `Docker`. */
  readonly title: string;
  /** The variable that can name its address. */
  readonly hostVariable: string;
  /** The sockets where it usually listens, in the order in which they are tried. */
  sockets(environment: { readonly [name: string]: string | undefined }): readonly string[];
  /** The name of the network that `"bridge"` stands for. */
  readonly defaultNetwork: string;
  /** What to do when none answers. */
  readonly remedy: string;
}

/** Tells which containers are this library's, whatever the core puts on them. */
export const ownLabelName = "playpen.provider";

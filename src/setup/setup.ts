/**
 * What is put into a sandbox before it is handed out, in this order: packages, repositories, files, commands. It happens
 * in the sandbox that is used, or, where the provider has snapshots, once: what has been set up is kept by its content,
 * and the next sandbox with the same set-up starts from it.
 */
export interface Setup {
  readonly packages?: SetupPackages;
  readonly git?: GitClone | readonly GitClone[];
  /** Contents by path; relative paths begin at the working directory. */
  readonly files?: { readonly [path: string]: string | Uint8Array };
  /** Each is a line of POSIX shell, or an argument list. Run in the working directory, as the sandbox's user. */
  readonly commands?: readonly (string | readonly string[])[];
  /**
   * Whether a snapshot is kept; default `true` where the provider has them. A repository that is not pinned to a commit
   * may change, so that from it on everything is done each time.
   */
  readonly cache?: boolean;
  /** How long one step may take, in milliseconds; default 600,000. */
  readonly stepTimeoutMs?: number;
}

/** Names of packages, as the manager takes them, such as `"typescript@5"` for npm. The managers must be there. */
export interface SetupPackages {
  /** Installed as root; so are those of npm (globally), pip and gem. */
  readonly apt?: readonly string[];
  readonly npm?: readonly string[];
  readonly pip?: readonly string[];
  readonly gem?: readonly string[];
  /** Installed as the sandbox's user, in that user's own folder; so are those of go. */
  readonly cargo?: readonly string[];
  /** A path without `@version` gets the latest. */
  readonly go?: readonly string[];
}

/** A repository that is cloned into the sandbox. */
export interface GitClone {
  /** Without a credential in it. */
  readonly url: string;
  /** A branch, a tag, or the 40 digits of a commit. Default: the repository's own default branch. */
  readonly ref?: string;
  /** Absolute, or from the working directory, which is the default. It must be empty. */
  readonly path?: string;
  /** How many commits; default all. */
  readonly depth?: number;
  /**
   * Password or token for HTTP. It reaches git by its environment, for this host alone: it is in no address, argument,
   * configuration, error or snapshot.
   */
  readonly token?: string;
  /** Default `"x-access-token"`. */
  readonly username?: string;
}

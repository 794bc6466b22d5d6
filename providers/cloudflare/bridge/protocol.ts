/** What the bridge and its client have to agree on. It is raised whenever one does not understand the other any more. */
export const bridgeVersion = 1;

/** Of every answer of a bridge; its value is the version. */
export const versionHeader = "playpen-bridge";

/** What the bridge knows of a sandbox. */
export interface SandboxRecord {
  readonly id: string;
  readonly labels: { readonly [name: string]: string };
  /** Empty until the sandbox is ready. */
  readonly cwd: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** When the bridge destroys it, unless that is put off. */
  readonly expiresAt: number;
  /** Whether its end was settled when it was made, so that use does not put it off. */
  readonly hasFixedEnd: boolean;
  readonly state: "creating" | "running" | "ending";
}

/** One line of the answer to a command. The last is `exit` or `error`. */
export type CommandEvent =
  | { readonly type: "stdout" | "stderr"; readonly data: string }
  | { readonly type: "exit"; readonly code: number }
  /** `status` as of an HTTP answer, for what came after the answer had begun. */
  | { readonly type: "error"; readonly status: number; readonly message: string };

/** Most bytes of a file that one request may bring or take away. */
export const longestFilePart = 2 * 1024 * 1024;

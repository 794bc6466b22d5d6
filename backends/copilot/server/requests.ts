import type { HostRequest } from "../../../src/kit.ts";

/** What a request of the library's to the CLI's server was for. */
export type RequestTag =
  | { readonly for: "connect" }
  | { readonly for: "fork" }
  | { readonly for: "session"; readonly isResumed: boolean }
  | { readonly for: "prompt"; readonly turnId: string }
  | { readonly for: "todos" }
  | { readonly for: "host"; readonly request: HostRequest }
  /** Nothing follows from the answer. */
  | { readonly for: "nothing" };

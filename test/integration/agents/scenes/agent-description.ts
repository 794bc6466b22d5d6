import type { AgentBackend } from "playpen";
import type { Environment, ProcessMode } from "playpen/kit";

/** What leads a CLI to the model server. */
export interface AgentConnection {
  /** Address of the model server, without a path. */
  readonly url: string;
  /** Given to the CLI as its key; no event, error or argument may show it. */
  readonly key: string;
  /** The executable, where it is not on the sandbox's own PATH. */
  readonly command?: string;
  readonly mode?: ProcessMode;
  /** Added to the environment of the CLI's process. */
  readonly env?: Environment;
}

/** One agent for the suites that run the real CLIs. What it can do is for its backend to declare. */
export interface AgentDescription {
  /** As the suites call it. */
  readonly name: string;
  /** The command that its package installs. */
  readonly command: string;
  /** Makes the backend; called with an address that leads nowhere, too, to read the capabilities. */
  readonly backend: (connection: AgentConnection) => AgentBackend;
  /** Whether it can also run with one process per turn. */
  readonly hasTurnMode?: boolean;
  /** A model for the change of models, where the backend does not take any name. */
  readonly otherModel?: string;
  /** Runs every suite in every place, rather than only the smoke test outside of `"none"`. */
  readonly runsEverywhere?: boolean;
  /** Its CLI is that of another agent here, which shows for both that it runs in every kind of sandbox. */
  readonly sharesCli?: boolean;
  /** The CLI tries again when a request is refused with 429, and not only when it comes within an answer. */
  readonly retriesRefusedRequests?: boolean;
  /** Requirements of the conformance suite that the CLI is known not to fulfil in a mode, with the reason. */
  readonly knownFailures?: { readonly [Mode in ProcessMode]?: { readonly [id: string]: string } };
  /** Requirements that take minutes, which are left out where only the core of the suite is run. */
  readonly slowRequirements?: readonly string[];
  /** How long one step of the conformance suite may take, where 30 seconds are too few. */
  readonly patienceMs?: number;
}

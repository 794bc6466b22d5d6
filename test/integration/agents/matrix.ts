import { afterAll, beforeAll, describe, it } from "vitest";
import {
  type AgentBackend,
  type AgentEvent,
  SandboxAgent,
  type SandboxProvider,
  type StartOptions,
} from "playpen";
import { type ModelServer, startModelServer } from "playpen/testing";
import {
  type CapabilityNeed,
  missingCapability,
} from "../../../src/testing/backend-conformance/capability-need.ts";
import { describeWith } from "../../image/engines.ts";
import { isEverythingWanted } from "../../image/wanted.ts";
import { type Place, type PlaceName, places } from "./places.ts";
import { type AgentConnection, type AgentDescription, agentScenes } from "./scenes/index.ts";

/** Not a real key, but of a real one's form; no event, error or argument may show it. */
export const secretKey = "sk-ant-api03-test-5f0c2b7e9d1a4c3b8e6f";

export type AgentOptions = Pick<AgentConnection, "mode" | "env">;

/** One place with one agent in it, for the tests of a suite. */
export interface Scene {
  readonly place: PlaceName;
  readonly agent: AgentDescription;
  readonly server: ModelServer;
  readonly provider: () => SandboxProvider;
  /** The option `command`, where the CLI is not on the sandbox's own PATH. */
  readonly command: { readonly command?: string };
  backend(options?: AgentOptions): AgentBackend;
  /** Starts a box with the agent; every tool call is allowed unless the options say otherwise. */
  start(options?: Partial<StartOptions>, agent?: AgentOptions): Promise<SandboxAgent>;
  /** Declares a test that is skipped where the backend does not declare what it needs; the skip names that. */
  it(title: string, needs: readonly CapabilityNeed[], test: () => Promise<void>): void;
}

export interface MatrixOptions {
  /** Default: all agents. */
  readonly agents?: (agent: AgentDescription) => boolean;
  /** Default: all places. */
  readonly places?: readonly PlaceName[];
  /**
   * Whether every CLI runs it in every place but `"none"`, where the conformance suite runs them all. Default: only
   * those which run everywhere; the others in `"none"`.
   */
  readonly isSmoke?: boolean;
}

/** For what an agent decides little about: two of them are enough. */
export function runsEverywhere(agent: AgentDescription): boolean {
  return agent.runsEverywhere === true;
}

/** Declares a suite for each place and agent: the real CLI, in the real sandbox, against the model server. */
export function describeMatrix(
  name: string,
  suite: (scene: Scene) => void,
  options: MatrixOptions = {},
): void {
  const { agents: isWanted = () => true, isSmoke = false } = options;
  for (const place of places) {
    if (options.places !== undefined && !options.places.includes(place.name)) continue;
    const runsHere = (agent: AgentDescription): boolean => {
      if (runsEverywhere(agent)) return true;
      if (place.name !== "none") return isSmoke && agent.sharesCli !== true;
      return isEverythingWanted || (!isSmoke && agent.sharesCli !== true);
    };
    const agents = agentScenes.filter((agent) => isWanted(agent) && runsHere(agent));
    if (agents.length === 0) continue;
    describeWith(place.engines, `${name} in ${place.name}`, () => {
      let server: ModelServer | undefined;
      beforeAll(async () => {
        server = await startModelServer();
      });
      afterAll(async () => {
        await server?.close();
      });
      for (const agent of agents) {
        describe(agent.name, () => {
          suite(sceneOf(place, agent, () => server));
        });
      }
    });
  }
}

function sceneOf(place: Place, agent: AgentDescription, currentServer: () => ModelServer | undefined): Scene {
  const running = (): ModelServer => {
    const server = currentServer();
    if (server === undefined) throw new Error("The model server is not running yet.");
    return server;
  };
  const command = place.command(agent.command);
  const backendAt = (url: string, options: AgentOptions): AgentBackend =>
    agent.backend({ url, key: secretKey, ...command, ...options });
  const backend = (options: AgentOptions = {}): AgentBackend => backendAt(running().url, options);
  return {
    place: place.name,
    agent,
    get server() {
      return running();
    },
    provider: place.provider,
    command,
    backend,
    start: (options = {}, agentOptions = {}) =>
      SandboxAgent.start({
        sandbox: place.provider(),
        agent: backend(agentOptions),
        permissions: "allow-all",
        ...options,
      }),
    it: (title, needs, test) => {
      const missing = missingCapability(needs, backendAt("http://127.0.0.1:9", {}));
      if (missing === undefined) it(title, test);
      else it.skip(`${title} [skipped: ${missing}]`, test);
    },
  };
}

/** Reads events to their end. */
export async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const all: AgentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The events of one type, narrowed. */
export function ofType<Type extends AgentEvent["type"]>(
  events: readonly AgentEvent[],
  type: Type,
): Extract<AgentEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<AgentEvent, { type: Type }> => event.type === type);
}

/** The text of all deltas, as a consumer that streams would show it. */
export function streamedText(events: readonly AgentEvent[]): string {
  return ofType(events, "message.delta")
    .map((event) => event.text)
    .join("");
}

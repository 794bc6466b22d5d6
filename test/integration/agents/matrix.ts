import { afterAll, beforeAll, describe } from "vitest";
import {
  type AgentBackend,
  type AgentEvent,
  SandboxAgent,
  type SandboxProvider,
  type StartOptions,
} from "playpen";
import { claude } from "playpen/claude";
import { codex } from "playpen/codex";
import { docker } from "playpen/docker";
import { local } from "playpen/local";
import { type ModelServer, startModelServer } from "playpen/testing";
import { describeWith, type Engine } from "../../image/engines.ts";
import { hostCliDirectory, hostCliFolder, testImage } from "../../image/paths.ts";

/** Not a real key, but of a real one's form; no event, error or argument may show it. */
export const secretKey = "sk-ant-api03-test-5f0c2b7e9d1a4c3b8e6f";

export type AgentName = "claude" | "codex";
export type PlaceName = "docker" | "bubblewrap" | "none";

interface Place {
  readonly name: PlaceName;
  readonly engines: readonly Engine[];
  readonly provider: () => SandboxProvider;
  /** Where the CLIs are, when they are not on the sandbox's own PATH. */
  readonly command: (agent: AgentName) => { readonly command?: string };
}

const onHost = (agent: AgentName): { readonly command: string } => ({
  command: `${hostCliDirectory()}/${agent}`,
});

const places: readonly Place[] = [
  {
    name: "docker",
    engines: ["docker", "test-image"],
    // The model server listens on this machine's loopback interface only.
    provider: () => docker({ image: testImage(), network: "host" }),
    command: () => ({}),
  },
  {
    name: "bubblewrap",
    engines: ["bubblewrap", "host-clis"],
    provider: () => local({ readOnlyPaths: [hostCliFolder()] }),
    command: onHost,
  },
  { name: "none", engines: ["host-clis"], provider: () => local({ isolation: "none" }), command: onHost },
];

export interface AgentOptions {
  readonly mode?: "session" | "turn";
  readonly env?: { readonly [name: string]: string };
}

/** One place with one agent in it, for the tests of a suite. */
export interface Scene {
  readonly place: PlaceName;
  readonly agent: AgentName;
  readonly server: ModelServer;
  readonly provider: () => SandboxProvider;
  backend(options?: AgentOptions): AgentBackend;
  /** Starts a box with the agent; every tool call is allowed unless the options say otherwise. */
  start(options?: Partial<StartOptions>, agent?: AgentOptions): Promise<SandboxAgent>;
}

export interface MatrixOptions {
  readonly agents?: readonly AgentName[];
  readonly places?: readonly PlaceName[];
}

/** Declares a suite for each place and agent: the real CLI, in the real sandbox, against the model server. */
export function describeMatrix(
  name: string,
  suite: (scene: Scene) => void,
  options: MatrixOptions = {},
): void {
  const { agents = ["claude", "codex"] } = options;
  for (const place of places) {
    if (options.places !== undefined && !options.places.includes(place.name)) continue;
    describeWith(place.engines, `${name} in ${place.name}`, () => {
      let server: ModelServer | undefined;
      beforeAll(async () => {
        server = await startModelServer();
      });
      afterAll(async () => {
        await server?.close();
      });
      for (const agent of agents) {
        describe(agent, () => {
          suite(sceneOf(place, agent, () => server));
        });
      }
    });
  }
}

function sceneOf(place: Place, agent: AgentName, currentServer: () => ModelServer | undefined): Scene {
  const running = (): ModelServer => {
    const server = currentServer();
    if (server === undefined) throw new Error("The model server is not running yet.");
    return server;
  };
  const backend = (options: AgentOptions = {}): AgentBackend => {
    const { url } = running();
    const shared = { ...place.command(agent), ...(options.mode === undefined ? {} : { mode: options.mode }) };
    if (agent === "claude") {
      const env = { ANTHROPIC_API_KEY: secretKey, CLAUDE_CODE_MAX_RETRIES: "1", ...options.env };
      return claude({ ...shared, baseUrl: url, env });
    }
    const env = { OPENAI_API_KEY: secretKey, ...options.env };
    return codex({ ...shared, baseUrl: `${url}/v1`, model: "stand-in", env });
  };
  return {
    place: place.name,
    agent,
    get server() {
      return running();
    },
    provider: place.provider,
    backend,
    start: (options = {}, agentOptions = {}) =>
      SandboxAgent.start({
        sandbox: place.provider(),
        agent: backend(agentOptions),
        permissions: "allow-all",
        ...options,
      }),
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

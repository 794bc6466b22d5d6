import { fileURLToPath } from "node:url";
import type {
  AgentBackend,
  AgentEventBody,
  AgentProtocol,
  BackendCapabilities,
  HostAnswer,
  HostRequest,
  LaunchInput,
  NativeSession,
  Step,
  TurnInput,
} from "playpen/kit";
import type { BackendConnection } from "playpen/testing";
import { parseScriptedLine } from "../../../../src/testing/scripted-line.ts";

/** What a broken copy of the reference agent does otherwise. */
export interface Flaw {
  /** Named to the program, which does it by itself. */
  readonly flaw?: string;
  /** Replaces an event that the program tells. */
  readonly event?: (event: AgentEventBody) => readonly AgentEventBody[];
  readonly capabilities?: Partial<BackendCapabilities>;
  readonly secret?: readonly string[];
  /** Further arguments of the program. */
  readonly argv?: (connection: BackendConnection) => readonly string[];
  readonly prompt?: (text: string) => string;
  readonly protocol?: (protocol: AgentProtocol) => AgentProtocol;
}

const capabilities: BackendCapabilities = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: true,
  questions: true,
  steering: true,
  interrupt: "protocol",
  images: true,
  mcpServers: ["stdio"],
  systemPrompt: ["append", "replace"],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  cost: true,
  compaction: false,
  allowedTools: true,
  skills: true,
  structuredOutput: "native",
  thinking: ["low", "high"],
  agentModes: ["plan"],
  models: "cli",
};

/** An agent that fulfils every requirement, its program a process of its own; with a flaw it does one thing wrong. */
export function referenceAgent(connection: BackendConnection, flaw: Flaw = {}): AgentBackend {
  const name = "reference";
  const secret = flaw.secret ?? ["REFERENCE_ACCESS"];
  return {
    name,
    mode: "session",
    capabilities: { ...capabilities, ...flaw.capabilities },
    cli: {
      command: "node",
      package: name,
      version: "1.0.0",
      versionArguments: ["--version"],
      executables: [],
    },
    credentials: { anyOf: [["REFERENCE_ACCESS"]], forwarded: [], secret },
    command: ["node"],
    install: false,
    model: "stand-in",
    env: { REFERENCE_ACCESS: connection.apiKey },
    launch: (input) => ({
      argv: [
        "node",
        fileURLToPath(new URL("agent.mjs", import.meta.url)),
        ...(flaw.argv?.(connection) ?? []),
      ],
      env: { REFERENCE_SETTINGS: JSON.stringify(settings(input, connection, flaw)) },
      files: [],
    }),
    protocol: () => {
      const protocol = new ReferenceProtocol(flaw);
      return flaw.protocol?.(protocol) ?? protocol;
    },
  };
}

function settings(input: LaunchInput, { url }: BackendConnection, { flaw }: Flaw): object {
  const { permissions, systemPrompt, mcpServers, allowedTools, thinking, agentMode, model } = input;
  return {
    ...{ agent: "reference", url, flaw, model, permissions, systemPrompt, mcpServers },
    ...{ allowedTools, thinking, agentMode, stateDirectory: `${input.stateDirectory}/reference` },
    skills: (input.skills ?? []).map(({ files }) => files["SKILL.md"]),
  };
}

/** Speaks the steps of the contract themselves. */
class ReferenceProtocol implements AgentProtocol {
  readonly #flaw: Flaw;

  constructor(flaw: Flaw) {
    this.#flaw = flaw;
  }

  open({ resume }: { readonly resume?: NativeSession }): Step {
    return send({ type: "open", resume: resume?.nativeSessionId, fork: resume?.fork });
  }

  prompt({ content, outputSchema }: TurnInput): Step {
    const parts = content.map((part) =>
      part.type === "text"
        ? { ...part, text: this.#flaw.prompt?.(part.text) ?? part.text }
        : { ...part, data: Buffer.from(part.data).toString("base64") },
    );
    return send({ type: "prompt", content: parts, outputSchema });
  }

  push(line: string): Step {
    const { raw: _raw, events = [], ...step } = parseScriptedLine(line);
    const { event: change } = this.#flaw;
    return { ...step, events: change === undefined ? events : events.flatMap(change) };
  }

  reply(answer: HostAnswer): Step {
    return send({ type: "reply", answer });
  }

  interrupt(): Step {
    return send({ type: "interrupt" });
  }

  request(request: HostRequest): Step {
    return send({ type: "request", request });
  }

  tick(): Step {
    return {};
  }

  end(): Step {
    return {};
  }
}

function send(message: object): Step {
  return { write: [JSON.stringify(message)] };
}

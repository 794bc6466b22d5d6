import { acp, type AcpOptions, type AcpPresetName } from "../../../../backends/acp/index.ts";
import type {
  AgentEventBody,
  AgentProtocol,
  JsonObject,
  LaunchInput,
  NativeSession,
  ProtocolInput,
  Step,
} from "../../../../src/kit.ts";

export const input: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: false,
  libraryVersion: "0.0.0",
};

export const launchInput: LaunchInput = { ...input, executable: "/usr/local/bin/agent", env: {} };

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: JsonObject;
}

/** The agent of a preset, as far as a test needs it: the other end of the protocol. */
export class PresetAgent {
  readonly protocol: AgentProtocol;
  #prompt = 0;

  constructor(preset: AcpPresetName, options: AcpOptions = {}, more: Partial<ProtocolInput> = {}) {
    this.protocol = acp(preset, options).protocol({ ...input, ...more });
  }

  line(message: object): Step {
    return this.protocol.push(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  /** Answers `initialize`, and the request for a session. Returns the step behind the latter. */
  open(session: JsonObject = {}, resume?: NativeSession): Step {
    const [initialize] = requests(this.protocol.open(resume === undefined ? {} : { resume }));
    const agentCapabilities = { loadSession: true, sessionCapabilities: { resume: {} } };
    const [opened] = requests(
      this.line({ id: initialize?.id, result: { protocolVersion: 1, agentCapabilities } }),
    );
    return this.line({ id: opened?.id, result: { sessionId: "native", ...session } });
  }

  prompt(): void {
    const step = this.protocol.prompt({ turnId: "turn", content: [{ type: "text", text: "Hello." }] });
    this.#prompt = requests(step).at(-1)?.id ?? 0;
  }

  update(sessionUpdate: string, update: object): Step {
    return this.line({ method: "session/update", params: { update: { sessionUpdate, ...update } } });
  }

  say(text: string, kind = "agent_message_chunk"): Step {
    return this.update(kind, { content: { type: "text", text } });
  }

  end(result: object = {}): readonly AgentEventBody[] {
    return this.line({ id: this.#prompt, result: { stopReason: "end_turn", ...result } }).events ?? [];
  }

  fail(error: object): readonly AgentEventBody[] {
    return this.line({ id: this.#prompt, error }).events ?? [];
  }
}

/** The modes in which an agent allows every call, by itself. */
const freeModes: { readonly [Name in AcpPresetName]?: string } = {
  codex: "agent-full-access",
  droid: "auto-high",
  qwen: "yolo",
};

/** What an agent says of a session that is in such a mode already. */
export function freeMode(preset: AcpPresetName): JsonObject {
  const id = freeModes[preset];
  return id === undefined ? {} : { modes: { currentModeId: id, availableModes: [{ id }] } };
}

/** An agent in the middle of a turn. */
export function working(
  preset: AcpPresetName,
  options: AcpOptions = {},
  more: Partial<ProtocolInput> = {},
): PresetAgent {
  const agent = new PresetAgent(preset, options, more);
  agent.open(freeMode(preset));
  agent.prompt();
  return agent;
}

export function requests({ write = [] }: Step): readonly Request[] {
  return write.map((line) => JSON.parse(line) as Request);
}

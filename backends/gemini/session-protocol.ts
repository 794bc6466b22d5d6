import { AcpProtocol, type AgentExit, type ProtocolInput, type Step } from "../../src/kit.ts";
import { quietExit } from "./failures.ts";
import { geminiProfile } from "./profile.ts";

/** Speaks with `gemini --acp`: one process for the session. */
export class SessionProtocol extends AcpProtocol {
  constructor(input: ProtocolInput) {
    super(input, geminiProfile);
  }

  override end(exit: AgentExit): Step {
    return super.end(quietExit(exit));
  }
}

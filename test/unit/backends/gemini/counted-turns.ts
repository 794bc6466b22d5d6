import type { AgentBackend, AgentProtocol, ProtocolInput } from "../../../../src/kit.ts";

/**
 * The backend with turns that are numbered, as in recordings. Its ids of messages are made of those of turns, and would
 * be others in every session.
 */
export function withCountedTurns(backend: AgentBackend): AgentBackend {
  return { ...backend, protocol: (input: ProtocolInput) => counting(backend.protocol(input)) };
}

function counting(protocol: AgentProtocol): AgentProtocol {
  let turns = 0;
  return {
    open: (start) => protocol.open(start),
    prompt: (turn) => protocol.prompt({ ...turn, turnId: `turn-${++turns}` }),
    push: (line) => protocol.push(line),
    reply: (answer) => protocol.reply(answer),
    interrupt: () => protocol.interrupt(),
    request: (request) => protocol.request?.(request) ?? {},
    tick: () => protocol.tick(),
    end: (exit) => protocol.end(exit),
  };
}

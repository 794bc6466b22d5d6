import type { AgentBackend, ProtocolInput } from "../spec/backend.ts";

/**
 * A backend that does what the given one does, and tells when a process of it has ended: its protocol is the first to
 * hear of that. A session that rests says nothing of it, since the next prompt starts another process.
 */
export function toldOfEnd(backend: AgentBackend, onEnd: () => void): AgentBackend {
  const protocol = (input: ProtocolInput): ReturnType<AgentBackend["protocol"]> => {
    const made = backend.protocol(input);
    // Made for this one session; every other method stays as it is, those of later versions included.
    const end = made.end.bind(made);
    made.end = (exit) => {
      onEnd();
      return end(exit);
    };
    return made;
  };
  return new Proxy(backend, {
    get(target, name) {
      if (name === "protocol") return protocol;
      const value: unknown = Reflect.get(target, name);
      // A backend may be an object of a class with private fields.
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

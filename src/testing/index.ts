/** `playpen/testing`: stand-ins for tests of host programs, and the suites that adapters must pass. */
export * from "./model-server/index.ts";
/** By another name, since `Script` is what `scripted` plays. */
export type { Script as ModelScript } from "./model-server/index.ts";
export { checkEventInvariants } from "./event-invariants.ts";
export {
  memorySandbox,
  type MemoryProcess,
  type MemoryProgram,
  type MemorySandboxOptions,
  type MemorySandboxProvider,
} from "./memory-sandbox.ts";
export {
  scripted,
  type Script,
  type Scripted,
  type ScriptedFault,
  type ScriptedOptions,
  type ScriptedStep,
} from "./scripted.ts";
export {
  scriptedAgent,
  scriptedBackend,
  type ScriptedAgent,
  type ScriptedBackendOptions,
  type ScriptedInput,
  type ScriptedLine,
} from "./scripted-backend.ts";
export * from "./provider-conformance/index.ts";
export * from "./backend-conformance/index.ts";

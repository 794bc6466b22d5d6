/**
 * `playpen/kit`: what the authors of providers and backends need beside the contracts. The adapters in this package
 * use nothing else.
 */
export type * from "./spec/backend.ts";
export type * from "./spec/content.ts";
export type * from "./spec/errors.ts";
export type * from "./spec/events.ts";
export type * from "./spec/json.ts";
export type * from "./spec/permissions.ts";
export type * from "./spec/sandbox.ts";
export type * from "./spec/sandbox-abilities.ts";
export type * from "./spec/usage.ts";
export { SandboxAgentError } from "./errors/sandbox-agent-error.ts";
export {
  arrayField,
  booleanField,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
} from "./kit/json.ts";
export {
  backendOptionChecks,
  isAbortSignal,
  isAbsolutePath,
  isBoolean,
  isDurationMs,
  isEnvironment,
  isFunction,
  isOneOf,
  isPositiveInteger,
  isPositiveNumber,
  isArgument,
  isString,
  isStringArray,
  isStringRecord,
  refuseReserved,
  show,
  validateOptions,
} from "./kit/validate-options.ts";
export {
  exitedFailure,
  exitFacts,
  howItEnded,
  lastErrorLine,
  modelFailure,
  retryReasonOf,
} from "./kit/agent-failures.ts";
export { abortable, settlesWithin } from "./kit/deferred.ts";
export { StepBuilder } from "./kit/step-builder.ts";
export { TextDeltaStep } from "./kit/text-delta-step.ts";
export { unparsedLine } from "./kit/unparsed-line.ts";
export { modelVendor } from "./kit/model-vendors.ts";
export { undoneWhenAborted } from "./kit/undone-when-aborted.ts";
export { filesFromSpawn, type FilesFromSpawnOptions } from "./kit/files-from-spawn.ts";
export { markedEnvironment, markerName, signalMarkedScript } from "./kit/process-marker.ts";
export {
  parseBytes,
  validateProviderOptions,
  type ProviderOptionRules,
  type ProviderVocabulary,
  type SandboxMount,
} from "./kit/provider-options.ts";
export { loadPeer, type PeerPackage } from "./kit/load-peer.ts";
export { renewedExpiry } from "./sandbox/labels.ts";
export { retriedWhenRefused, type RetryOptions } from "./kit/retried-when-refused.ts";
export {
  openVendorAnswer,
  requestVendor,
  type VendorAnswerRequest,
  type VendorRequest,
} from "./kit/vendor-request.ts";
export { refusedSafely, vendorFailure, type VendorAnswer, type VendorContext } from "./kit/vendor-failure.ts";
export { exitOf } from "./kit/exit-of.ts";
export { hasLabels } from "./kit/has-labels.ts";
export { sandboxNotFound } from "./kit/sandbox-not-found.ts";
export { unavailable, type UnavailableRemedies } from "./kit/unavailable.ts";
export {
  mainCommand,
  mainWords,
  makeFolderCommand,
  renewCommand,
  stillHeldCode,
} from "./kit/main-process.ts";
export { boundedOutput } from "./kit/bounded-output.ts";
export { OutputChannel } from "./kit/output-channel.ts";
export { signalTree, signalled, type RunSignalScript, type SignalTarget } from "./kit/signal-tree.ts";
export {
  groupStage,
  escapedForPrintf,
  longestReportBytes,
  parseStartReport,
  programStage,
  quoteForShell,
  shellLine,
  stage,
  userStage,
  type Argv,
  type ProgramStageOptions,
  type StartReport,
} from "./kit/remote/launcher.ts";
export { carriedLine, carrier } from "./kit/remote/carried-command.ts";
export { Lease, leaseCommand, makeHomeFolderCommand, noFolderCode } from "./kit/remote/lease.ts";
export { startPolledProcess, type PolledProcessOptions } from "./kit/remote/polled-process.ts";
export { RemoteSandbox } from "./kit/remote/remote-sandbox.ts";
export {
  openRemoteTerminal,
  type TerminalConnection,
  type TerminalSize,
  type TerminalVendor,
} from "./kit/remote/remote-terminal.ts";
export type {
  RemoteCommand,
  RemoteConnection,
  RemoteMachine,
  RemoteTraits,
  ShortRun,
  ShortRuns,
} from "./kit/remote/remote-machine.ts";
export { readableFromNode, writableFromNode } from "./kit/node-streams.ts";
export type { OptionCheck } from "./kit/validate-options.ts";
export { AcpProtocol } from "./protocols/acp/acp-protocol.ts";
export { acpTokens } from "./protocols/acp/turn-usage.ts";
export type {
  AcpFileChange,
  AcpProfile,
  AcpTokens,
  AcpToolCall,
  AcpToolFacts,
  AcpUsageRule,
} from "./protocols/acp/profile.ts";
export { JsonRpcPeer, jsonRpcErrors, type JsonRpcError, type JsonRpcId } from "./protocols/json-rpc.ts";
export { outputInstructions } from "./session/structured-output.ts";
export { LineDecoder } from "./lines/line-decoder.ts";
export type { DecodedLine, LineDecoderOptions, OversizedLine } from "./lines/line-decoder.ts";

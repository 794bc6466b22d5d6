export { backendRequirements } from "./backend-requirements.ts";
export type { CapabilityNeed } from "./capability-need.ts";
export { type BackendConformanceOptions, describeBackendConformance } from "./describe-conformance.ts";
export type { BackendContext, BackendRequirement, PlayedTurn } from "./requirement.ts";
export {
  type BackendConnection,
  runBackendRequirement,
  type RunBackendRequirementOptions,
} from "./run-requirement.ts";
export {
  checkTranscript,
  type CheckTranscriptOptions,
  describeTranscriptConformance,
  type TranscriptConformanceOptions,
  transcriptRequirements,
} from "./describe-transcripts.ts";
export {
  formatTranscript,
  parseTranscript,
  type Transcript,
  type TranscriptCall,
  type TranscriptEntry,
  type TranscriptHead,
} from "./transcript.ts";
export type { TranscriptRequirement, TranscriptSubject } from "./transcript-requirement.ts";

import type { AgentBackend } from "../../spec/backend.ts";
import type { TestFramework } from "../provider-conformance/index.ts";
import { parseTranscript, type Transcript } from "./transcript.ts";
import type { TranscriptRequirement } from "./transcript-requirement.ts";
import { damageRequirements } from "./transcript-requirements/damage.ts";
import { sessionRequirements } from "./transcript-requirements/session.ts";
import { stepRequirements } from "./transcript-requirements/steps.ts";

/** Everything that a backend must make of what its CLI once said, and of what it might say. */
export const transcriptRequirements: readonly TranscriptRequirement[] = [
  ...stepRequirements,
  ...damageRequirements,
  ...sessionRequirements,
];

/** The backend that a recording is replayed with. */
export interface CheckTranscriptOptions {
  /** Makes the backend from the options that the recording names. */
  readonly backend: (options: never) => AgentBackend;
  /** The recording leaves a tool call open, because the CLI did not live to tell its end. */
  readonly isUnfinished?: boolean;
}

/**
 * Checks one requirement on one recording, without any test framework.
 *
 * @throws Error that names the requirement and the recording, what was expected and what was seen.
 */
export async function checkTranscript(
  requirement: TranscriptRequirement,
  transcript: Transcript | string,
  { backend, isUnfinished = false }: CheckTranscriptOptions,
): Promise<void> {
  const parsed = typeof transcript === "string" ? parseTranscript(transcript) : transcript;
  const { scenario, options } = parsed.head;
  try {
    await requirement.check({ transcript: parsed, backend: backend(options as never), isUnfinished });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${requirement.id}: ${scenario}: ${why}`, { cause: error });
  }
}

/** The recordings that `describeTranscriptConformance` replays, and with what. */
export interface TranscriptConformanceOptions {
  /** Makes the backend from the options that a recording names. */
  readonly backend: (options: never) => AgentBackend;
  readonly transcripts: readonly (Transcript | string)[];
  /** Scenarios whose recordings leave a tool call open, because the CLI did not live to tell its end. */
  readonly unfinishedTools?: readonly string[];
}

const timeoutMs = 120_000;

/**
 * Registers one test per requirement, over all recordings: no CLI runs.
 *
 * @example
 * ```ts
 * describeTranscriptConformance({ describe, it }, { backend: claude, transcripts: files.map(readFile) });
 * ```
 */
export function describeTranscriptConformance(
  framework: TestFramework,
  { backend, transcripts, unfinishedTools = [] }: TranscriptConformanceOptions,
): void {
  framework.describe("recordings", () => {
    const parsed = transcripts.map((one) => (typeof one === "string" ? parseTranscript(one) : one));
    for (const requirement of transcriptRequirements) {
      framework.it(
        `${requirement.id}: ${requirement.title}`,
        async () => {
          for (const transcript of parsed) {
            const isUnfinished = unfinishedTools.includes(transcript.head.scenario);
            await checkTranscript(requirement, transcript, { backend, isUnfinished });
          }
        },
        timeoutMs,
      );
    }
  });
}

import { describe, expect, it } from "vitest";
import { describeTranscriptConformance } from "../../../src/testing/backend-conformance/index.ts";
import type { Recordings } from "./replay.ts";

export interface RecordingsSuiteOptions {
  /** Recordings in which a tool call is left open, because the CLI did not live to tell its end. */
  readonly unfinishedTools?: readonly string[];
}

/** Declares what holds for every recording of any backend. What one recording must come to is for its own tests. */
export function describeRecordings(recordings: Recordings, options: RecordingsSuiteOptions = {}): void {
  describeTranscriptConformance(
    { describe, it },
    {
      backend: recordings.make,
      transcripts: recordings.names.map((name) => recordings.transcript(name)),
      ...options,
    },
  );

  describe("the recordings", () => {
    it("are there", () => {
      expect(recordings.names.length).toBeGreaterThan(10);
    });
  });
}

import { readFileSync, writeFileSync } from "node:fs";
import {
  formatTranscript,
  parseTranscript,
  type Transcript,
} from "../../src/testing/backend-conformance/transcript.ts";

export function readTranscript(file: string): Transcript {
  return parseTranscript(readFileSync(file, "utf8"));
}

export function writeTranscript(file: string, transcript: Transcript): void {
  writeFileSync(file, formatTranscript(transcript));
}

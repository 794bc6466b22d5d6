import { checkTranscript, formatTranscript, parseTranscript, transcriptRequirements } from "playpen/testing";
import { describe, expect, it } from "vitest";
import { brokenProtocols } from "./broken-protocols.ts";
import { smallBackend, smallRecording } from "./small-recording.ts";

describe("a backend that does one thing wrong", () => {
  for (const { id, how, change, transcript, seen } of brokenProtocols) {
    it(`fails ${id} when it ${how}`, async () => {
      const requirement = transcriptRequirements.find((each) => each.id === id);
      const check = checkTranscript(requirement!, transcript?.(smallRecording()) ?? smallRecording(), {
        backend: () => smallBackend(change),
      });
      await expect(check).rejects.toThrow(seen);
      await expect(check).rejects.toThrow(new RegExp(`^${id}: small: `));
    });
  }
});

describe("a sound backend", () => {
  it.each(transcriptRequirements)("fulfils $id", async (requirement) => {
    await checkTranscript(requirement, formatTranscript(smallRecording()), { backend: () => smallBackend() });
  });

  it("may leave a tool call open where the CLI did not live to tell its end", async () => {
    const requirement = transcriptRequirements.find(({ id }) => id === "transcript.tool-ends");
    const { change } = brokenProtocols.find(({ id }) => id === "transcript.tool-ends")!;
    const options = { backend: () => smallBackend(change), isUnfinished: true };
    await checkTranscript(requirement!, smallRecording(), options);
  });
});

describe("a recording", () => {
  it("is the same when it was written and read", () => {
    const recording = smallRecording();
    expect(parseTranscript(formatTranscript(recording))).toEqual(recording);
  });

  it("keeps the bytes of images", () => {
    const { head } = smallRecording();
    const data = new Uint8Array([0, 137, 255]);
    const turn = { turnId: "one", content: [{ type: "image", data, mediaType: "image/png" }] } as const;
    const recording = { head, entries: [{ call: { call: "prompt", turn }, step: {} }] } as const;
    expect(parseTranscript(formatTranscript(recording))).toEqual(recording);
  });
});

describe("every requirement on recordings", () => {
  it("can fail", () => {
    const proven = new Set(brokenProtocols.map(({ id }) => id));
    expect(transcriptRequirements.map(({ id }) => id).filter((id) => !proven.has(id))).toEqual([]);
  });
});

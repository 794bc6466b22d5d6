import { describe, expect, it } from "vitest";
import { TextDeltaStep } from "../../../src/kit/text-delta-step.ts";

describe("TextDeltaStep", () => {
  it("says the same as a step with the event", () => {
    const step = new TextDeltaStep("m", "text", '{"type":"delta"}');
    expect(step.events).toEqual([{ type: "message.delta", messageId: "m", text: "text" }]);
  });

  it("shows the CLI's own object to a host that wants it", () => {
    expect(new TextDeltaStep("m", "text", '{"type":"delta","more":[1]}').raw).toEqual({
      type: "delta",
      more: [1],
    });
  });
});

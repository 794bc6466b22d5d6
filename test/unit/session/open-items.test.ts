import { describe, expect, it } from "vitest";
import { GrowingText } from "../../../src/session/growing-text.ts";
import { OpenItems } from "../../../src/session/open-items.ts";
import type { AgentEventBody } from "../../../src/spec/events.ts";

describe("GrowingText", () => {
  it("is what was added, at any time", () => {
    const text = new GrowingText();
    let plain = "";
    for (let index = 0; index < 5000; index++) {
      text.add(`${String(index)} `);
      plain += `${String(index)} `;
      if (index % 700 === 0) expect(text.toString()).toBe(plain);
    }
    expect(text.length).toBe(plain.length);
    expect(text.toString()).toBe(plain);
  });
});

describe("OpenItems", () => {
  it("ends a message before it is too long for a string, and tells what came after", () => {
    const events: AgentEventBody[] = [];
    const items = new OpenItems((body) => events.push(body));
    const piece = "x".repeat(50 * 1024 * 1024);
    for (let index = 0; index < 4; index++) {
      items.textDelta("message", { type: "message.delta", messageId: "m", text: piece });
    }
    items.textCompleted("message", { type: "message.completed", messageId: "m", text: "" });
    expect(events.map(({ type }) => type)).toEqual([
      "message.started",
      "message.delta",
      "message.delta",
      "message.completed",
      "agent.notice",
      "agent.notice",
    ]);
    expect(items.text.length).toBe(2 * piece.length);
  });

  it("completes a message once when its completing text makes it too long", () => {
    const events: AgentEventBody[] = [];
    const items = new OpenItems((body) => events.push(body));
    const piece = "x".repeat(100 * 1024 * 1024);
    items.textDelta("message", { type: "message.delta", messageId: "m", text: piece });
    items.textCompleted("message", { type: "message.completed", messageId: "m", text: piece + piece });
    expect(events.filter(({ type }) => type === "message.completed")).toHaveLength(1);
  });
});

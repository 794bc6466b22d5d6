import { local } from "playpen/local";
import { backendRequirements, runBackendRequirement } from "playpen/testing";
import { describe, expect, it } from "vitest";
import { brokenAgents } from "./broken.ts";
import { referenceAgent } from "./reference-agent.ts";

describe("an agent that does one thing wrong", () => {
  for (const { id, how, flaw, seen } of brokenAgents) {
    it(`fails ${id} when it ${how}`, async () => {
      const requirement = backendRequirements.find((each) => each.id === id);
      const run = runBackendRequirement(requirement!, {
        backend: (connection) => referenceAgent(connection, flaw),
        sandbox: () => local({ isolation: "none" }),
        patienceMs: 3000,
      });
      await expect(run).rejects.toThrow(seen);
      await expect(run).rejects.toThrow(new RegExp(`^${id}: `));
    });
  }
});

describe("every requirement", () => {
  it("has an id of its own", () => {
    const ids = backendRequirements.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*\.([a-z]+(-[a-z]+)*|\d{3})$/);
  });

  it("can fail", () => {
    const proven = new Set(brokenAgents.map(({ id }) => id));
    expect(backendRequirements.map(({ id }) => id).filter((id) => !proven.has(id))).toEqual([]);
  });
});

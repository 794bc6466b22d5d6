import { expect } from "vitest";
import type { PermissionRequest } from "playpen";
import type { ReceivedRequest } from "playpen/testing";
import { collect, describeMatrix, ofType } from "./matrix.ts";

describeMatrix("permissions", (scene) => {
  scene.it(
    "lets a function decide about every tool call, harmless ones too",
    ["permissions:ask"],
    async () => {
      const asked: PermissionRequest[] = [];
      await using box = await scene.start({
        permissions: (request) => {
          asked.push(request);
          return request.tool.title.includes("forbidden")
            ? { outcome: "deny", message: "Not here." }
            : "allow";
        },
      });
      const session = await box.createSession();
      const events = await collect(
        session.prompt("!shell ls\n!shell touch forbidden\n!shell touch granted\n!text done"),
      );
      expect(asked.map((request) => request.tool.kind)).toEqual(["execute", "execute", "execute"]);
      expect(ofType(events, "permission.requested")).toHaveLength(3);
      expect(ofType(events, "permission.resolved").map((event) => [event.outcome, event.by])).toEqual([
        ["allowed", "host"],
        ["denied", "host"],
        ["allowed", "host"],
      ]);
      expect(ofType(events, "tool.completed").map((event) => event.status)).toEqual(["ok", "denied", "ok"]);
      expect(await box.files.stat("granted")).toBeDefined();
      expect(await box.files.stat("forbidden")).toBeUndefined();
    },
  );

  scene.it("lets a deny rule win over everything", ["permissions:ask"], async () => {
    await using box = await scene.start({ permissions: { default: "allow", deny: ["execute(touch *)"] } });
    const session = await box.createSession();
    const events = await collect(session.prompt("!shell true && touch sneaky\n!shell echo fine\n!text done"));
    expect(ofType(events, "tool.completed").map((event) => event.status)).toEqual(["denied", "ok"]);
    expect(await box.files.stat("sneaky")).toBeUndefined();
  });

  scene.it("stops every tool with deny-all", ["permissions:deny-all"], async () => {
    await using box = await scene.start({ permissions: "deny-all" });
    const session = await box.createSession();
    const turn = session.prompt("!shell touch made\n!text done", { reject: false });
    await collect(turn);
    await turn;
    expect(await box.files.stat("made")).toBeUndefined();
  });

  scene.it("refuses what is left open before anything starts", ["permissions:ask"], async () => {
    await expect(scene.start({ permissions: { ask: ["execute"] } })).rejects.toThrow(
      /no onPermission handler/,
    );
  });
});

describeMatrix("answers to the agent", (scene) => {
  scene.it("changes the input of a tool", ["updatedInput"], async () => {
    await using box = await scene.start({
      permissions: ({ tool }) => ({
        outcome: "allow",
        updatedInput: { ...tool.input, command: "echo changed" },
      }),
    });
    const session = await box.createSession();
    const events = await collect(session.prompt("!shell echo original\n!text done"));
    expect(ofType(events, "tool.completed").map((event) => event.output.trim())).toEqual(["changed"]);
  });

  scene.it("answers a question", ["questions"], async () => {
    await using box = await scene.start({
      onQuestion: ({ questions }) => Object.fromEntries(questions.map((question) => [question.id, "Blue"])),
    });
    const session = await box.createSession();
    const events = await collect(session.prompt("!ask Which colour? | Red | Blue\n!text done"));
    expect(ofType(events, "question.requested")).toHaveLength(1);
    expect(ofType(events, "question.resolved")).toMatchObject([{ by: "host" }]);
    // Not every agent shows the question as a tool call; the model gets the answer in any case.
    const told = scene.server.requests.filter(({ prompt }) => prompt?.includes("!ask") === true);
    expect(timesBlue(told.at(-1))).toBeGreaterThan(timesBlue(told[0]));
  });
});

function timesBlue(request: ReceivedRequest | undefined): number {
  return JSON.stringify(request?.body).split("Blue").length;
}

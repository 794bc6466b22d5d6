import { expect } from "vitest";
import { collect, describeMatrix, ofType } from "./matrix.ts";

describeMatrix("permissions", (scene) => {
  scene.it("lets a deny rule win over everything", ["permissions:ask"], async () => {
    await using box = await scene.start({ permissions: { default: "allow", deny: ["execute(touch *)"] } });
    const session = await box.createSession();
    const statuses = async (prompt: string): Promise<readonly string[]> =>
      ofType(await collect(session.prompt(prompt)), "tool.completed").map(({ status }) => status);
    // Not both in one turn, which for some agents is over with the refusal.
    expect(await statuses("!shell true && touch sneaky\n!text done")).toEqual(["denied"]);
    expect(await statuses("!shell echo fine\n!text done")).toEqual(["ok"]);
    expect(await box.files.stat("sneaky")).toBeUndefined();
  });

  scene.it("refuses what is left open before anything starts", ["permissions:ask"], async () => {
    await expect(scene.start({ permissions: { ask: ["execute"] } })).rejects.toThrow(
      /no onPermission handler/,
    );
  });
});

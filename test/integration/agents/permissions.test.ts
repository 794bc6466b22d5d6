import { expect } from "vitest";
import { collect, describeMatrix, ofType } from "./matrix.ts";

describeMatrix("permissions", (scene) => {
  scene.it("lets a deny rule win over everything", ["permissions:ask"], async () => {
    await using box = await scene.start({ permissions: { default: "allow", deny: ["execute(touch *)"] } });
    const session = await box.createSession();
    const events = await collect(session.prompt("!shell true && touch sneaky\n!shell echo fine\n!text done"));
    expect(ofType(events, "tool.completed").map((event) => event.status)).toEqual(["denied", "ok"]);
    expect(await box.files.stat("sneaky")).toBeUndefined();
  });

  scene.it("refuses what is left open before anything starts", ["permissions:ask"], async () => {
    await expect(scene.start({ permissions: { ask: ["execute"] } })).rejects.toThrow(
      /no onPermission handler/,
    );
  });
});

import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Fleet } from "../../stand-ins/kit/fleet.ts";

describe("Fleet", () => {
  it("destroys all its machines at its end, and waits for those that are being destroyed", async () => {
    const fleet = new Fleet();
    const [kept, going] = [await fleet.create({ id: "kept" }), await fleet.create()];
    const { exited } = await kept.spawn({ argv: ["sleep", "300"] });
    void going.destroy();
    await fleet.stop();
    expect((await exited).signal).toBe("SIGKILL");
    expect([kept, going].map(({ folder }) => existsSync(folder))).toEqual([false, false]);
    expect([kept.id, kept.isDestroyed]).toEqual(["kept", true]);
  });

  it("hands out no machine that was made while it stopped, and makes none after that", async () => {
    const fleet = new Fleet();
    const made = fleet.create();
    const outcome = expect(made).rejects.toThrow("stopped");
    await fleet.stop();
    await outcome;
    await expect(fleet.create()).rejects.toThrow("stopped");
  });
});

import {
  RemoteSandbox,
  type Terminal,
  type TerminalOptions,
  type TerminalVendor,
  readableFromNode,
  writableFromNode,
} from "playpen/kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StandInMachine } from "../../../stand-ins/kit/machines.ts";

let place: StandInMachine;
beforeEach(async () => {
  place = await StandInMachine.create();
});
afterEach(() => place.destroy());

const open: TerminalVendor["open"] = async (argv) => {
  const { stdin, stdout, exited } = await place.terminal({ argv });
  return {
    input: writableFromNode(stdin),
    output: readableFromNode(stdout),
    exited: exited.then(({ code }) => ({ code, signal: null })),
    disconnect: () => undefined,
  };
};

class TerminalSandbox extends RemoteSandbox {
  /** How many keep it alive. */
  holders = 0;
  readonly #open: TerminalVendor["open"];

  constructor(openOne = open) {
    super(
      {
        provider: "cloud",
        id: "box-1",
        cwd: place.folder,
        labels: {},
        env: {},
        traits: { environment: "native", stdin: "native", users: "none" },
        start: () => Promise.reject(new Error("not used")),
        run: ({ argv }) => place.run(argv),
        destroy: () => Promise.resolve(),
      },
      {
        write: (path, data) =>
          place.run(["sh", "-c", 'printf %s "$2" > "$1"', "sh", path, String(data)]).then(),
      },
    );
    this.#open = openOne;
  }

  terminal(options: TerminalOptions = {}): Promise<Terminal> {
    return this.openTerminal(this.#open, options);
  }

  override hold(): () => void {
    this.holders++;
    let isHeld = true;
    return () => {
      if (isHeld) this.holders--;
      isHeld = false;
    };
  }
}

describe("a sandbox with a terminal", () => {
  it("is kept alive as long as the terminal's process runs", async () => {
    const sandbox = new TerminalSandbox();
    const terminal = await sandbox.terminal({ argv: ["sh", "-c", "read -r line; exit 3"] });
    expect(sandbox.holders).toBe(1);
    await terminal.input.getWriter().write(Buffer.from("\n"));
    expect(await terminal.exited).toEqual({ code: 3, signal: null });
    expect(sandbox.holders).toBe(0);
  });

  it("is let go where none can be opened", async () => {
    const sandbox = new TerminalSandbox(() => Promise.reject(new Error("There is none.")));
    await expect(sandbox.terminal()).rejects.toMatchObject({ code: "spawn_failed" });
    expect(sandbox.holders).toBe(0);
  });

  it("opens none that is not wanted any more", async () => {
    const sandbox = new TerminalSandbox(() => Promise.reject(new Error("not used")));
    const reason = new Error("Changed my mind.");
    await expect(sandbox.terminal({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(sandbox.holders).toBe(0);
  });

  it("opens none once it was destroyed", async () => {
    const sandbox = new TerminalSandbox(() => Promise.reject(new Error("not used")));
    await sandbox.destroy();
    await expect(sandbox.terminal()).rejects.toMatchObject({ code: "sandbox_closed" });
    expect(sandbox.holders).toBe(0);
  });

  it("ends one that was being opened when it was destroyed", async () => {
    const sandbox = new TerminalSandbox(async (...given) => {
      await sandbox.destroy();
      return open(...given);
    });
    await expect(sandbox.terminal({ argv: ["sleep", "300"] })).rejects.toMatchObject({
      code: "sandbox_closed",
    });
    expect(sandbox.holders).toBe(0);
    await expect.poll(() => place.processes()).toEqual([]);
  });
});

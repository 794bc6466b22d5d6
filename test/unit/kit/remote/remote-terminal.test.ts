import { existsSync } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import {
  type RemoteMachine,
  type Terminal,
  type TerminalConnection,
  openRemoteTerminal,
  readableFromNode,
  shellLine,
  writableFromNode,
} from "playpen/kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StandInMachine } from "../../../stand-ins/kit/machines.ts";

let place: StandInMachine;
beforeEach(async () => {
  place = await StandInMachine.create();
});
afterEach(() => place.destroy());

function machine(): RemoteMachine {
  return {
    provider: "cloud",
    id: "box-1",
    cwd: place.folder,
    labels: {},
    env: { OWN: "of the box" },
    traits: { environment: "native", stdin: "native", users: "none" },
    start: () => Promise.reject(new Error("not used")),
    run: ({ argv }) => place.run(argv),
    destroy: () => Promise.resolve(),
  };
}

const files = { write: (path: string, data: Uint8Array | string) => writeFile(path, data, { mode: 0o600 }) };

async function connectionTo(argv: readonly [string, ...string[]]): Promise<TerminalConnection> {
  const { stdin, stdout, exited } = await place.terminal({ argv });
  return {
    input: writableFromNode(stdin),
    output: readableFromNode(stdout),
    exited: exited.then(({ code }) => ({ code, signal: null })),
    disconnect: () => undefined,
  };
}

/** As by a vendor whose terminals are shells, into which a command has to be typed. */
async function typedInto(argv: readonly [string, ...string[]]): Promise<TerminalConnection> {
  const connection = await connectionTo(["/bin/bash", "--norc", "-i"]);
  const writer = connection.input.getWriter();
  await writer.write(Buffer.from(`exec ${shellLine(argv)}\n`));
  writer.releaseLock();
  return connection;
}

async function textOf(terminal: Terminal): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of terminal.output) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Files of terminals that are there. */
async function left(): Promise<readonly string[]> {
  const all = (await readdir("/tmp")).filter((name) => name.startsWith(".playpen-"));
  const texts = await Promise.all(all.map((name) => readFile(`/tmp/${name}`, "utf8").catch(() => "")));
  return all.filter((_, at) => texts[at]?.includes("of the box"));
}

describe.each([
  { kind: "the command itself", open: connectionTo },
  { kind: "a shell that it is typed into", open: typedInto },
])("a terminal that is $kind", ({ open }) => {
  it("has the variables, the folder and the size that were asked for, and shows nothing of how", async () => {
    const script = 'echo "$OWN, $MINE, $(pwd), $TERM"; stty size; exit 7';
    const terminal = await openRemoteTerminal(
      { machine: machine(), files, open },
      { argv: ["sh", "-c", script], env: { MINE: "it's\nmine" }, cwd: "/usr", columns: 101, rows: 31 },
    );
    expect(await textOf(terminal)).toBe("of the box, it's\r\nmine, /usr, xterm-256color\r\n31 101\r\n");
    expect(await terminal.exited).toEqual({ code: 7, signal: null });
    expect(await left()).toEqual([]);
  });

  it("takes another size", async () => {
    const script = "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.05; done";
    const terminal = await openRemoteTerminal(
      { machine: machine(), files, open },
      { argv: ["sh", "-c", script] },
    );
    const reader = terminal.output.getReader();
    const first = await reader.read();
    expect(Buffer.from(first.value ?? []).toString()).toContain("up");
    reader.releaseLock();
    await terminal.resize({ columns: 132, rows: 43 });
    expect(await textOf(terminal)).toContain("43 132");
  });

  it("ends with what runs on it when it is killed, or its input closed", async () => {
    for (const end of ["kill", "close"] as const) {
      const terminal = await openRemoteTerminal({ machine: machine(), files, open }, {});
      if (end === "kill") await terminal.kill();
      else await terminal.input.close();
      await terminal.exited;
      await expect.poll(() => place.processes()).toEqual([]);
    }
  });

  it("is refused where the program or the folder is not there, and leaves nothing", async () => {
    const vendor = { machine: machine(), files, open };
    await expect(openRemoteTerminal(vendor, { argv: ["no-such-program"] })).rejects.toMatchObject({
      code: "spawn_failed",
      details: { command: "no-such-program" },
    });
    await expect(openRemoteTerminal(vendor, { cwd: "/no/such/folder" })).rejects.toThrow(/cannot be entered/);
    await expect.poll(() => place.processes()).toEqual([]);
    expect(await left()).toEqual([]);
  });
});

describe("a terminal that the vendor does not open", () => {
  it("leaves no file with the variables behind", async () => {
    let file = "";
    const open = (argv: readonly string[]): Promise<never> => {
      file = argv.at(-1) ?? "";
      expect(existsSync(file)).toBe(true);
      return Promise.reject(new Error("its own words"));
    };
    await expect(openRemoteTerminal({ machine: machine(), files, open }, {})).rejects.toMatchObject({
      code: "spawn_failed",
      message: expect.stringContaining("its own words") as string,
    });
    expect(existsSync(file)).toBe(false);
  });

  it("is lost when its connection breaks", async () => {
    const open = async (argv: readonly [string, ...string[]]): Promise<TerminalConnection> => {
      const connection = await connectionTo(argv);
      return { ...connection, exited: connection.exited.then(() => Promise.reject(new Error("It broke."))) };
    };
    const terminal = await openRemoteTerminal({ machine: machine(), files, open }, { argv: ["true"] });
    await expect(terminal.exited).rejects.toMatchObject({ code: "sandbox_lost", details: { id: "box-1" } });
  });
});

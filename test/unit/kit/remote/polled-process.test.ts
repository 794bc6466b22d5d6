import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { startPolledProcess } from "playpen/kit";
import type { PolledProcessOptions, RemoteCommand, ShortRun } from "playpen/kit";
import { describe, expect, it } from "vitest";

const command = (script: string): RemoteCommand => ({
  argv: ["/bin/sh", "-c", script],
  env: {},
  stdin: false,
});

function run({ argv: [program, ...args] }: RemoteCommand): Promise<ShortRun> {
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function follow(
  { argv: [program, ...args] }: RemoteCommand,
  onText: (text: string) => void,
): Promise<ShortRun> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  // Wherever it is cut.
  child.stdout.on("data", (chunk: Buffer) => {
    for (let from = 0; from < chunk.length; from += 7) onText(chunk.toString("latin1", from, from + 7));
  });
  return new Promise((resolve) =>
    child.on("close", (code) => {
      resolve({ code: code ?? 137, stdout: "", stderr: "" });
    }),
  );
}

async function outcome(script: string, options: Omit<PolledProcessOptions, "processId">) {
  const connection = await startPolledProcess(command(script), { ...options, processId: randomUUID() });
  const [stdout, stderr, exit] = await Promise.all([
    new Response(connection.stdout).text(),
    new Response(connection.stderr).text(),
    connection.exited,
  ]);
  return { stdout, stderr, code: exit.code };
}

const slow = "for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; sleep 0.2; done; exit 3";
const said = (word: string): string => [1, 2, 3, 4, 5].map((number) => `${word}${number}\n`).join("");

describe("a polled process", () => {
  it("is asked once where it has ended with all of its output", async () => {
    let polls = 0;
    const options = {
      run: async (each: RemoteCommand) => {
        if (each.argv.includes("playpen-poll")) polls++;
        return run(each);
      },
    };
    expect(await outcome("exit 4", options)).toEqual({ stdout: "", stderr: "", code: 4 });
    expect(polls).toBe(1);
  });

  it("is asked for each piece of news where commands only run to their end", async () => {
    const polls: RemoteCommand[] = [];
    const options = {
      run: (each: RemoteCommand) => {
        if (each.argv.includes("playpen-poll")) polls.push(each);
        return run(each);
      },
    };
    expect(await outcome(slow, options)).toEqual({ stdout: said("out"), stderr: said("err"), code: 3 });
    expect(polls.length).toBeGreaterThan(4);
  });

  it("tells all of its news by few commands where their output comes as it is written", async () => {
    let polls = 0;
    const options = {
      run,
      follow: (...given: Parameters<typeof follow>) => {
        polls++;
        return follow(...given);
      },
    };
    expect(await outcome(slow, options)).toEqual({ stdout: said("out"), stderr: said("err"), code: 3 });
    expect(polls).toBeLessThan(4);
  });

  it("goes on where a command broke off that brought news, and says nothing twice", async () => {
    let polls = 0;
    const options = {
      run,
      follow: async (each: RemoteCommand, onText: (text: string) => void): Promise<ShortRun> => {
        const isFirst = ++polls === 1;
        let text = "";
        const result = await follow(each, (piece) => {
          text += piece;
          // Two rounds and a part of the third.
          if (!isFirst || text.split("\n").length < 8) onText(piece);
        });
        if (isFirst) throw new Error("The connection was cut.");
        return result;
      },
    };
    expect(await outcome(slow, options)).toEqual({ stdout: said("out"), stderr: said("err"), code: 3 });
    expect(polls).toBeGreaterThan(1);
  });

  it.each([
    ["alone takes the whole answer", "head -c 4000 /dev/zero", [4000, 0], [4000, 0]],
    [
      "shares it with the other",
      "head -c 4000 /dev/zero; head -c 4000 /dev/zero >&2",
      [2000, 2000],
      [4000, 4000],
    ],
    ["leaves the other what it does not need", "echo; head -c 4000 /dev/zero >&2", [1, 3999], [1, 4000]],
  ])("has one stream that %s", async (_title, script, expected, whole) => {
    let first: readonly number[] | undefined;
    const processId = randomUUID();
    const connection = await startPolledProcess(command(script), {
      processId,
      maxAnswerBytes: 4000,
      run: async (each) => {
        if (!each.argv.includes("playpen-poll")) return run(each);
        // The folder goes away when all was taken.
        if (first === undefined)
          await expect.poll(() => existsSync(`/tmp/.playpen-${processId}/exit`)).toBe(true);
        const result = await run(each);
        first ??= result.stdout
          .split("\n")
          .slice(1, 3)
          .map((text) => Buffer.from(text, "base64").length);
        return result;
      },
    });
    const sizes = await Promise.all(
      [connection.stdout, connection.stderr].map(
        async (stream) => (await new Response(stream).arrayBuffer()).byteLength,
      ),
    );
    expect(sizes).toEqual(whole);
    expect(first).toEqual(expected);
  });
});

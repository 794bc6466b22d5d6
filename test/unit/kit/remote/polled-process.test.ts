import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rm, stat, writeFile } from "node:fs/promises";
import { SandboxAgentError, startPolledProcess } from "playpen/kit";
import type { PolledProcessOptions, RemoteCommand, ShortRun } from "playpen/kit";
import { describe, expect, it } from "vitest";
import { deferred } from "../../../../src/kit/deferred.ts";
import { signalMarkedScript } from "../../../../src/kit/process-marker.ts";

const command = (script: string): RemoteCommand => ({
  argv: ["/bin/sh", "-c", script],
  env: {},
  stdin: false,
});

function run({ argv: [program, ...args], env }: RemoteCommand): Promise<ShortRun> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { maxBuffer: 2 ** 26, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

function follow(
  { argv: [program, ...args], env }: RemoteCommand,
  onText: (text: string) => void,
): Promise<ShortRun> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  });
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
  it("takes one command where it is short, and one that clears up", async () => {
    const commands: (string | undefined)[] = [];
    const options = {
      run: async (each: RemoteCommand) => {
        commands.push(each.argv[3]);
        return run(each);
      },
    };
    expect(await outcome("exit 4", options)).toEqual({ stdout: "", stderr: "", code: 4 });
    expect(commands).toEqual(["playpen-start", "playpen-remove"]);
  });

  it("is not started again where the answer is lost, which is told", async () => {
    let count = 0;
    const answer = async (): Promise<never> => {
      count++;
      throw new Error("The connection was cut.");
    };
    for (const options of [{ run: answer }, { run, follow: answer }]) {
      await expect(outcome("true", options)).rejects.toThrow("The connection was cut.");
    }
    expect(count).toBe(2);
  });

  it("is started again where the start was certainly refused", async () => {
    let starts = 0;
    const options = {
      run,
      follow: (...given: Parameters<typeof follow>) => {
        if (given[0].argv[3] === "playpen-start" && ++starts === 1) {
          const details = { provider: "example", retryAfterMs: 1 };
          throw new SandboxAgentError("provider_rate_limited", "Too many requests.", { details });
        }
        return follow(...given);
      },
    };
    expect(await outcome("echo once", options)).toEqual({ stdout: "once\n", stderr: "", code: 0 });
    expect(starts).toBe(2);
  });

  it("says why it could not be put into the background", async () => {
    const blocked = `/tmp/.playpen-${randomUUID()}`;
    await writeFile(blocked, "");
    try {
      const processId = blocked.slice("/tmp/.playpen-".length);
      const connection = await startPolledProcess(command("true"), { run, processId });
      await expect(connection.exited).rejects.toThrow(/put into the background: .*File exists/);
    } finally {
      await rm(blocked);
    }
  });

  it("has those who tell of it spared by its signals, its variables and its mask for files", async () => {
    const processId = randomUUID();
    let [starts, polls] = [0, 0];
    const connection = await startPolledProcess(
      {
        argv: ["/bin/sh", "-c", 'umask; echo "$OWN"; exec sleep 300'],
        env: { PLAYPEN_PROCESS: processId, OWN: "value" },
        stdin: false,
      },
      {
        run,
        follow: (each, onText) => {
          if (each.argv[3] === "playpen-start") starts++;
          else polls++;
          return follow(each, onText);
        },
        processId,
        waitMs: 60_000,
      },
    );
    const text = connection.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const mask = (await run(command("umask"))).stdout;
    let said = "";
    while (!said.includes("value\n")) said += (await text.read()).value ?? "";
    expect(said).toBe(`${mask}value\n`);
    expect((await stat(`/tmp/.playpen-${processId}`)).mode & 0o777).toBe(0o700);
    await run({ argv: signalMarkedScript(processId, "SIGKILL"), env: {}, stdin: false });
    expect(await connection.exited).toEqual({ code: 137, signal: null });
    expect([starts, polls]).toEqual([1, 0]);
    await expect.poll(() => existsSync(`/tmp/.playpen-${processId}`)).toBe(false);
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

  it("goes on soon after a reader has made room", async () => {
    const processId = randomUUID();
    const isFull = deferred<undefined>();
    const connection = await startPolledProcess(
      {
        argv: ["/bin/sh", "-c", "head -c 1000000 /dev/zero; exec sleep 300"],
        env: { PLAYPEN_PROCESS: processId },
        stdin: false,
      },
      {
        processId,
        maxAnswerBytes: 300_000,
        waitMs: 60_000,
        run: (each) => {
          // It is not asked for standard output.
          if (each.argv[3] === "playpen-poll" && each.argv[7] === "0") isFull.resolve(undefined);
          return run(each);
        },
      },
    );
    await isFull.promise;
    let bytes = 0;
    for await (const chunk of connection.stdout) {
      bytes += chunk.length;
      if (bytes === 1_000_000) break;
    }
    await run({ argv: signalMarkedScript(processId, "SIGKILL"), env: {}, stdin: false });
    expect(await connection.exited).toEqual({ code: 137, signal: null });
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
    const folder = `/tmp/.playpen-${processId}`;
    const waiting = `while [ ! -e ${folder}/go ]; do sleep 0.01; done; ${script}`;
    const connection = await startPolledProcess(command(waiting), {
      processId,
      maxAnswerBytes: 4000,
      // The command that starts it has nothing to tell.
      waitMs: 1,
      run: async (each) => {
        if (each.argv[3] !== "playpen-poll") return run(each);
        if (first === undefined) {
          await writeFile(`${folder}/go`, "");
          await expect.poll(() => existsSync(`${folder}/exit`)).toBe(true);
        }
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

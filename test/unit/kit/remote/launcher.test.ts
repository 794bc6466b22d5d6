import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exitOf, parseStartReport, programStage } from "playpen/kit";
import {
  environmentLine,
  environmentStage,
  groupStage,
  userStage,
} from "../../../../src/kit/remote/launcher.ts";

const run = promisify(execFile);

async function launch(
  argv: readonly [string, ...string[]],
  cwd = "/",
  env: { readonly [name: string]: string } = {},
) {
  const [shell, ...args] = programStage(argv, { cwd, separators: env["IFS"] });
  const { stdout } = await run(shell, args, { env }).catch((error: unknown) => error as { stdout: string });
  const end = stdout.indexOf("\n");
  return { report: stdout.slice(0, end), output: stdout.slice(end + 1) };
}

const path = { PATH: "/usr/local/bin:/usr/bin:/bin" };

describe("the script in front of every process", () => {
  it("becomes the program, whose process id it reports", async () => {
    const { report, output } = await launch(["sh", "-c", "echo $$"], "/", path);
    expect(report).toBe(`playpen ${output.trim()}`);
  });

  it("hands over arguments and variables unchanged, such as those that it could use itself", async () => {
    const env = { ...path, IFS: "x", cwd: "1", dir: "2", found: "3", rest: "4", ODD: "a\nb '$HOME'" };
    const { output: words } = await launch(["printf", "%s|", "a b", "", "*", "$X"], "/", env);
    expect(words).toBe("a b||*|$X|");
    const { output } = await launch(["env"], "/", env);
    for (const [name, value] of Object.entries(env)) expect(output).toContain(`${name}=${value}`);
  });

  it("goes to the working directory", async () => {
    expect((await launch(["pwd"], "/usr/bin", path)).output).toBe("/usr/bin\n");
  });

  it.each([
    ["a program that is nowhere in PATH", ["no-such-program"], "/", "playpen program"],
    ["a program whose path is wrong", ["/no/such/program"], "/", "playpen program"],
    ["a folder", ["/usr"], "/", "playpen program"],
    ["a file that may not be run", ["/etc/passwd"], "/", "playpen program"],
    ["a shell builtin that is no program", ["unset"], "/", "playpen program"],
    ["a folder that is not there", ["sh"], "/no/such/folder", "playpen cwd"],
  ] as const)("reports %s", async (_what, argv, cwd, report) => {
    expect(await launch(argv, cwd, path)).toEqual({ report, output: "" });
  });
});

describe("the stage that takes the environment from standard input", () => {
  it("hands over every value as it is, and leaves the rest of the input to the program", () => {
    const value = fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(value, value, fc.boolean(), (first, second, isIgnored) => {
        const argv = environmentStage(
          ["/bin/sh", "-c", 'printf "%s|%s|" "$FIRST" "$SECOND"; cat'],
          isIgnored ? "ignore" : "pipe",
        );
        const line = environmentLine({ FIRST: first, SECOND: second });
        expect(line.indexOf("\n")).toBe(line.length - 1);
        const { stdout } = spawnSync(argv[0], argv.slice(1), { env: path, input: `${line}rest\nof it` });
        const expected = Buffer.from(`${first}|${second}|${isIgnored ? "" : "rest\nof it"}`);
        expect(stdout.equals(expected)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the stage that makes a process group", () => {
  it("makes the program the leader of one, without another process", () => {
    const [program, ...args] = groupStage(["/bin/sh", "-c", "echo $$; cut -d ' ' -f 5 /proc/$$/stat"]);
    const script = 'echo $$; exec "$@"';
    const { stdout } = spawnSync("/bin/sh", ["-c", script, "sh", program, ...args], { encoding: "utf8" });
    const [started, pid, group] = stdout.trim().split("\n");
    expect([pid, group]).toEqual([started, started]);
  });
});

describe("the stage that becomes another user", () => {
  const asUser = (user: string, hasHome = false): string => {
    const [program, ...args] = userStage(user, ["/bin/sh", "-c", 'echo "$(id -u):$(id -g) $HOME"'], {
      hasHome,
    });
    return spawnSync(program, args, { encoding: "utf8", env: { ...path, HOME: "/given" } }).stdout.trim();
  };

  it.runIf(process.getuid?.() === 0)("takes names and numbers, and the user's own home", () => {
    expect(asUser("nobody")).toBe("65534:65534 /nonexistent");
    expect(asUser("65534")).toBe("65534:65534 /nonexistent");
    expect(asUser("12345:54321")).toBe("12345:54321 /");
    expect(asUser("daemon:games")).toBe("1:60 /usr/sbin");
    expect(asUser("nobody", true)).toBe("65534:65534 /given");
    expect(asUser("root")).toBe("0:0 /root");
  });

  it("says so where there is no such user or group", () => {
    expect(asUser("no-such-user-here")).toBe("playpen user");
    expect(asUser("root:no-such-group-here")).toBe("playpen user");
  });
});

describe("parseStartReport", () => {
  const command = { argv: ["tool", "x"] } as const;

  it("tells a process from a failure", () => {
    expect(parseStartReport("playpen 12", command, "/")).toEqual({ pid: 12 });
    for (const [line, cwd, words] of [
      ["playpen program", "/", '"tool"'],
      ["playpen cwd", "/a b", '"/a b"'],
      ["OCI runtime exec failed\r", "/", "OCI runtime exec failed"],
      ["", "/", "without a word"],
      ["playpen 0", "/", "playpen 0"],
    ] as const) {
      const report = parseStartReport(line, command, cwd);
      expect("failure" in report ? report.failure : "").toContain(words);
    }
  });
});

describe("exitOf", () => {
  it("takes a code for a signal when that one was sent", () => {
    expect(exitOf(137, new Set())).toEqual({ code: 137, signal: null });
    expect(exitOf(137, new Set(["SIGTERM"]))).toEqual({ code: 137, signal: null });
    expect(exitOf(137, new Set(["SIGTERM", "SIGKILL"]))).toEqual({ code: null, signal: "SIGKILL" });
    expect(exitOf(130, new Set(["SIGINT"]))).toEqual({ code: null, signal: "SIGINT" });
    expect(exitOf(0, new Set(["SIGINT"]))).toEqual({ code: 0, signal: null });
  });
});

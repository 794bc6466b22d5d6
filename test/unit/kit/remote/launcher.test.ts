import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { exitOf, parseStartReport, programStage } from "playpen/kit";

const run = promisify(execFile);

async function launch(
  argv: readonly [string, ...string[]],
  cwd = "/",
  env: { readonly [name: string]: string } = {},
) {
  const [shell = "", ...args] = programStage(argv, { cwd, separators: env["IFS"] });
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

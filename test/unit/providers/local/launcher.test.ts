import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { launcherArgs, wrapEnvironment } from "../../../../providers/local/launcher.ts";

function launch(env: { [name: string]: string }, argv: [string, ...string[]], cwd = "/"): string {
  const [program = "", ...args] = launcherArgs(cwd, argv, 0);
  try {
    return execFileSync(program, args, { env: wrapEnvironment(env), encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    return error instanceof Error && "stdout" in error ? String(error.stdout) : "";
  }
}

const path = "/usr/bin:/bin";

describe("launcher", () => {
  it("keeps every variable from the programs that run outside the sandbox", () => {
    const wrapped = wrapEnvironment({ LD_PRELOAD: "/workspace/evil.so", API_KEY: "secret", PATH: path });
    expect(Object.keys(wrapped).every((name) => name.startsWith("PLAYPEN_"))).toBe(true);
  });

  it("hands on the environment as it was, however odd", () => {
    const env = {
      PATH: path,
      ODD: "a'b\"c $HOME `x` \\ \n second line",
      EMPTY: "",
      IFS: "x",
      UID: "7",
      LD_LIBRARY_PATH: "/nowhere",
    };
    const output = launch(env, ["env", "-0"]);
    expect(output.startsWith("started\n")).toBe(true);
    const seen = output.slice("started\n".length).split("\0").filter(Boolean).sort();
    const expected = Object.entries({ ...env, PWD: "/" }).map((pair) => pair.join("="));
    expect(seen).toEqual(expected.sort());
  });

  it("tells a missing folder and a missing program apart", () => {
    expect(launch({ PATH: path }, ["true"], "/no/such/folder")).toBe("no-folder\n");
    expect(launch({ PATH: path }, ["no-such-program"])).toBe("no-command\n");
    expect(launch({ PATH: path }, ["/etc/passwd"])).toBe("no-command\n");
    expect(launch({ PATH: path }, ["/etc"])).toBe("no-command\n");
  });

  it("takes arguments literally", () => {
    const output = launch({ PATH: path }, ["printf", "<%s>", "*", "$(id)", "", "-n", "a b"]);
    expect(output).toBe("started\n<*><$(id)><><-n><a b>");
  });
});

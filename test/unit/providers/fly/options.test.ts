import { fly, type FlyOptions } from "playpen/fly";
import { describe, expect, it } from "vitest";
import { execFileSync } from "node:child_process";
import { carriedCommand } from "../../../../providers/fly/carried-command.ts";
import { machineConfig } from "../../../../providers/fly/machine-config.ts";
import { resolveOptions } from "../../../../providers/fly/options.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["app", ""],
  ["app", "My App"],
  ["token", ""],
  ["image", 5],
  ["region", ""],
  ["cpuKind", "quick"],
  ["cpus", 0],
  ["cpus", 1.5],
  ["memoryBytes", "much"],
  ["memoryBytes", "300m"],
  ["timeoutMs", 0],
  ["cwd", "relative"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["labels", { "playpen.owner": "me" }],
  ["requestTimeoutMs", -1],
  ["createTimeoutMs", "long"],
  ["baseUrl", "api.machines.dev"],
  ["regoin", "fra"],
  ["template", "x"],
  ["snapshot", "x"],
  ["diskBytes", "10g"],
  ["pidsLimit", 5],
  ["mounts", []],
];

describe("fly()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options = { app: "an-app", [name]: value };
    expect(() => fly(options as FlyOptions)).toThrow(TypeError);
    expect(() => fly(options as FlyOptions)).toThrow(`"${name}"`);
  });

  it("needs the app", () => {
    expect(() => fly({} as FlyOptions)).toThrow('"app" is missing');
  });

  it("shows no secret", () => {
    const provider = fly({ app: "an-app", token: "secret-token", env: { KEY: "secret-value" } });
    expect(JSON.stringify(provider.describe?.())).not.toContain("secret");
  });

  it("asks for the machine that the options name, and for its end", () => {
    const settings = resolveOptions({
      app: "a",
      cpuKind: "performance",
      cpus: 4,
      memoryBytes: "8g",
      image: "i",
    });
    const config = machineConfig(settings, { cwd: "/w", labels: { a: "ü =" }, lifeMs: 1500 });
    expect(config).toMatchObject({
      image: "i",
      guest: { cpu_kind: "performance", cpus: 4, memory_mb: 8192 },
      metadata: { playpen: "true", playpen_cwd: "/w", playpen_labels: '{"a":"ü ="}' },
      auto_destroy: true,
      restart: { policy: "no" },
    });
    expect(config.init.exec.at(-1)).toBe("2");
  });
});

describe("a command", () => {
  const run = ({ command, stdin }: ReturnType<typeof carriedCommand>): string => {
    const [program = "", ...args] = command;
    return execFileSync(program, args, { input: stdin ?? "", env: {}, encoding: "utf8" });
  };

  it("has no variable in its arguments, and hands all of them over unchanged", () => {
    const odd = "line\nbreak \\n %b 'q' \"$HOME\" `id` ü\r\\0101";
    const carried = carriedCommand(["/bin/sh", "-c", 'printf "%s|" "$ODD" "$1"', "sh", odd], { ODD: odd });
    expect(JSON.stringify(carried.command)).not.toContain("break");
    expect(run(carried)).toBe(`${odd}|${odd}|`);
  });

  it("has the usual variables where the service gives none", () => {
    const carried = carriedCommand(
      ["/bin/sh", "-c", 'echo "$HOME"; command -v env >/dev/null && echo path'],
      {
        A: "1",
      },
    );
    expect(run(carried)).toBe("/root\npath\n");
  });

  it("goes as it is without variables", () => {
    expect(carriedCommand(["true", "a b"], {})).toEqual({ command: ["true", "a b"] });
  });
});

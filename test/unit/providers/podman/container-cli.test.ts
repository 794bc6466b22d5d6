import { describe, expect, it } from "vitest";
import { CliMachine } from "../../../../providers/container-cli/cli-machine.ts";
import { ContainerCli } from "../../../../providers/container-cli/container-cli.ts";
import type { CliKind } from "../../../../providers/container-cli/cli-kind.ts";
import { crashesDuring } from "../../crashes.ts";

const cli = (program: string): ContainerCli =>
  new ContainerCli({ program, provider: "podman", installation: "Install it.", timeoutMs: 5000 });

const machine = (program: string): CliMachine =>
  new CliMachine({
    ...{ cli: cli(program), kind: { name: "podman" } as CliKind, id: "box-1", cwd: "/", labels: {}, env: {} },
    user: "",
  });

describe("an engine's program", () => {
  it("that is not there harms nobody who has looked at no end", async () => {
    const crashes = await crashesDuring(async () => {
      await machine("/no/such/program").start({ argv: ["true"], env: {}, stdin: false });
    });
    expect(crashes).toEqual([]);
  });

  it("whose pipes break, or that cannot be killed, harms nobody", async () => {
    const { child, stdin, stdout, stderr } = cli("/bin/cat").start([]);
    for (const emitter of [child, stdin, stdout, stderr]) {
      for (let count = 0; count < 2; count++) {
        expect(() => emitter.emit("error", new Error("EPERM"))).not.toThrow();
      }
    }
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
  });
});

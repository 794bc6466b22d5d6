import {
  type CanExpose,
  type ExposedPort,
  RemoteSandbox,
  type Sandbox,
  SandboxAgentError,
} from "../../src/kit.ts";
import type { CliMachine } from "../container-cli/cli-machine.ts";
import type { ContainerCli } from "../container-cli/container-cli.ts";
import { appleCli } from "./apple-cli.ts";

/** A container, a small virtual machine of its own, which the host reaches at an address of its own. */
export interface AppleSandbox extends Sandbox, CanExpose {}

export class AppleContainer extends RemoteSandbox implements AppleSandbox {
  readonly #cli: ContainerCli;

  constructor(machine: CliMachine, cli: ContainerCli) {
    super(machine);
    this.#cli = cli;
  }

  async expose(port: number): Promise<ExposedPort> {
    this.assertOpen();
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(
        `expose(): the port must be a whole number from 1 to 65535, received ${String(port)}.`,
      );
    }
    const found = appleCli.parseInspect(await this.#cli.ask(appleCli.inspectArgs(this.id)));
    const [address] = found?.addresses ?? [];
    if (address !== undefined) return { url: `http://${address}:${String(port)}` };
    throw new SandboxAgentError("unsupported", `The sandbox apple/${this.id} has no address.`, {
      details: { subject: "apple", feature: "expose" },
      remedy: 'Create it in a network: leave the option "network" out.',
    });
  }
}

import { spawnSync } from "node:child_process";
import { describe, it } from "vitest";
import { bareImage, hostCliDirectory, testImage } from "./paths.ts";
import { missingSshd } from "../stand-ins/sshd/index.ts";
import { podmanImage } from "./podman.ts";

/** Something a test needs that a machine may lack. */
export type Engine = "docker" | "podman" | "sshd" | "bubblewrap" | "test-image" | "host-clis";

/** Returns why an engine is not to be had here, or undefined when it is. */
export function missing(engine: Engine): string | undefined {
  if (!found.has(engine)) found.set(engine, probes[engine]());
  return found.get(engine);
}

/**
 * Declares a suite that needs engines.
 *
 * Where one is missing the suite is skipped, with the reason in its name; in CI (`CI=true`) it fails instead, so that
 * nothing is skipped there.
 */
export function describeWith(engines: readonly Engine[], name: string, suite: () => void): void {
  const reasons = engines.map(missing).filter((reason) => reason !== undefined);
  if (reasons.length === 0) {
    describe(name, suite);
  } else if (process.env["CI"] === "true") {
    describe(name, () => {
      it(`has ${engines.join(", ")}`, () => {
        throw new Error(reasons.join("; "));
      });
    });
  } else {
    console.warn(`skipped: ${name}: ${reasons.join("; ")}`);
    describe.skip(`${name} [skipped: ${reasons.join("; ")}]`, suite);
  }
}

const found = new Map<Engine, string | undefined>();

const probes: Readonly<Record<Engine, () => string | undefined>> = {
  docker: () => failure("docker", ["version", "--format", "{{.Server.Version}}"]),
  podman: () => failure("podman", ["image", "inspect", "--format", "{{.Id}}", podmanImage]),
  sshd: missingSshd,
  bubblewrap: () => failure("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"]),
  "test-image": () => errorOf(testImage) ?? errorOf(bareImage) ?? missingImage(testImage(), bareImage()),
  "host-clis": () => errorOf(hostCliDirectory),
};

function missingImage(...names: readonly string[]): string | undefined {
  return failure("docker", ["image", "inspect", "--format", "{{.Id}}", ...names]);
}

function errorOf(read: () => string): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function failure(program: string, args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
  if (error !== undefined) return `${program}: ${error.message}`;
  return status === 0 ? undefined : `${program} exited with ${status ?? "a signal"}: ${stderr.trim()}`;
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Set for the whole run, and inherited by what the tests start: the run's own folder for temporary files and caches. */
const runFolderName = "PLAYPEN_TEST_RUN_FOLDER";

// What the test tools themselves keep among temporary files.
const ownFiles = /^(tsx-\d+|node-compile-cache|vitest-.*)$/;

// The engine removes a container, and the system a process, a moment after their host has gone.
const graceMs = 5_000;

/**
 * Vitest's global set-up for the projects that start real programs: gives the run its own temporary and cache folders,
 * and fails the run when a container, a process or a file of it is left at the end.
 */
export default function setup(): (() => Promise<void>) | undefined {
  // Several projects name this file, and the first one watches over all.
  if (process.env[runFolderName] !== undefined) return undefined;
  const containersBefore = new Set(ownedContainers().map(({ id }) => id));
  const folder = mkdtempSync(join(tmpdir(), "playpen-test-run-"));
  const before = { TMPDIR: process.env["TMPDIR"], XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] };
  const temporary = join(folder, "tmp");
  mkdirSync(temporary, { mode: 0o1777 });
  Object.assign(process.env, {
    [runFolderName]: folder,
    TMPDIR: temporary,
    XDG_CACHE_HOME: join(folder, "cache"),
  });

  return async () => {
    // Assigning undefined to a variable of the environment would set it to "undefined".
    Reflect.deleteProperty(process.env, runFolderName);
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    const look = (): readonly string[] => [
      ...leftContainers(containersBefore).map((container) => `container ${container}`),
      ...leftProcesses(folder).map((process) => `process ${process}`),
      ...entries(temporary).map((name) => `temporary file ${name}`),
      ...entries(join(folder, "cache", "playpen", "local")).map((name) => `local sandbox ${name}`),
    ];
    const deadline = Date.now() + graceMs;
    let left = look();
    while (left.length > 0 && Date.now() < deadline) {
      await delay(100);
      left = look();
    }
    rmSync(folder, { recursive: true, force: true });
    if (left.length > 0) {
      // Vitest prints what a tear-down throws, and would still exit with 0.
      process.exitCode = 1;
      throw new Error(`The tests left behind:\n${left.join("\n")}`);
    }
  };
}

interface OwnedContainer {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
}

const engines = ["docker", "podman"] as const;
/** Each engine's way to name a label. */
const ownerFormats = {
  docker: '{{.Label "playpen.owner"}}',
  podman: '{{index .Labels "playpen.owner"}}',
} as const;

/** Containers of the providers; none of an engine that does not answer, or is not there. */
function ownedContainers(): readonly OwnedContainer[] {
  return engines.flatMap(containersOf);
}

function containersOf(engine: (typeof engines)[number]): readonly OwnedContainer[] {
  const format = `{{.ID}}\t${ownerFormats[engine]}\t${engine}/{{.Names}} ({{.Status}})`;
  const filter = "label=playpen.provider";
  const { status, stdout } = spawnSync(
    engine,
    ["ps", "--all", "--no-trunc", "--filter", filter, "--format", format],
    { encoding: "utf8", timeout: 20_000 },
  );
  if (status !== 0) return [];
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"))
    .map(([id = "", owner = "", name = ""]) => ({ id, owner, name }));
}

/**
 * Containers that came up during the run, but for those that may belong to somebody else who works on this machine: those
 * of a host program that is alive, and, outside CI, those that tests of the provider alone made, which name no owner.
 * The owner label ends in the host's process id and a random part.
 */
function leftContainers(before: ReadonlySet<string>): readonly string[] {
  return ownedContainers()
    .filter(({ id }) => !before.has(id))
    .filter(({ owner }) => (owner === "" ? process.env["CI"] === "true" : !isAlive(owner.split(".").at(-2))))
    .map(({ id, name, owner }) => `${id.slice(0, 12)} ${name} of ${owner === "" ? "nobody" : owner}`);
}

function isAlive(processId: string | undefined): boolean {
  return processId !== undefined && existsSync(`/proc/${processId}`);
}

/**
 * Processes that name the run's folder in their environment, arguments or working directory; not Vitest itself, nor its
 * own children. What a test leaves is a grandchild, and an orphan as soon as the test's worker has gone.
 */
function leftProcesses(folder: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((id) => {
      const command = read(() => readFileSync(`/proc/${id}/cmdline`, "utf8")).replaceAll("\0", " ");
      const environment = read(() => readFileSync(`/proc/${id}/environ`, "utf8"));
      const directory = read(() => readlinkSync(`/proc/${id}/cwd`));
      const named = [command, environment, directory].some((text) => text.includes(folder));
      return named && parentOf(id) !== process.pid ? [`${id} ${command}`] : [];
    });
}

/** The status line is `id (name) state parent …`, and the name may hold anything. */
function parentOf(id: string): number {
  const status = read(() => readFileSync(`/proc/${id}/stat`, "utf8"));
  return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
}

function entries(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !ownFiles.test(name)) : [];
}

/** A process may end while it is looked at. */
function read(from: () => string): string {
  try {
    return from();
  } catch {
    return "";
  }
}

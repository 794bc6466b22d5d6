import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

// It is no ES module, and has no declarations.
const require = createRequire(import.meta.url);
const runtime = require("workerd") as {
  /** Path of the program. */
  readonly default: string;
  readonly compatibilityDate: string;
};

export interface WorkerInit {
  readonly token: string;
  readonly containersPort: number;
  /** Path of the Worker's source; default: that of this folder. */
  readonly source?: string | undefined;
  /** Of a runtime that was stopped, to go on with what it has stored. */
  readonly folder?: WorkerFolder;
}

export interface WorkerFolder extends AsyncDisposable {
  readonly path: string;
}

export interface RunningWorker {
  readonly port: number;
  /** Resolves to what it leaves behind. */
  stop(): Promise<WorkerFolder>;
}

/** Starts the runtime with the Worker of this folder, bundled as `wrangler deploy` does. */
export async function startWorker(init: WorkerInit): Promise<RunningWorker> {
  const folder = init.folder ?? (await makeFolder(init.source));
  let child: ChildProcess | undefined;
  try {
    await writeFile(join(folder.path, "config.capnp"), configOf(init, join(folder.path, "storage")));
    child = spawn(runtime.default, flags, { cwd: folder.path, stdio: ["ignore", "ignore", "pipe", "pipe"] });
    const exited = once(child, "exit");
    const port = await listeningPort(child);
    return {
      port,
      stop: async () => {
        child?.kill("SIGKILL");
        await exited;
        return folder;
      },
    };
  } catch (error) {
    child?.kill("SIGKILL");
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

const flags = ["serve", "--socket-addr", "http=127.0.0.1:0", "--control-fd=3", "config.capnp"];

async function makeFolder(
  source = fileURLToPath(new URL("worker.ts", import.meta.url)),
): Promise<WorkerFolder> {
  const path = await mkdtemp(join(tmpdir(), "stand-in-worker-"));
  await mkdir(join(path, "storage"));
  await build({
    entryPoints: [source],
    outfile: join(path, "worker.js"),
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["module", "main"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** The runtime says on its control channel where it listens. */
async function listeningPort(child: ChildProcess): Promise<number> {
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)));
  let text = "";
  for await (const chunk of child.stdio[3] as Readable) {
    text += String(chunk);
    const [, port] = /"event":"listen".*?"port":(\d+)/.exec(text) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`workerd did not start: ${complaints}`);
}

function configOf({ token, containersPort }: WorkerInit, storage: string): string {
  const text = JSON.stringify;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "bridge", worker = .bridge),
    (name = "containers", external = (address = "127.0.0.1:${containersPort}", http = ())),
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "bridge")],
);

const bridge :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = ${text(runtime.compatibilityDate)},
  compatibilityFlags = ["nodejs_compat"],
  durableObjectNamespaces = [
    (className = "Sandbox", uniqueKey = "stand-in-sandbox", enableSql = true),
    (className = "PlaypenRegistry", uniqueKey = "stand-in-registry", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [
    (name = "Sandbox", durableObjectNamespace = "Sandbox"),
    (name = "PlaypenRegistry", durableObjectNamespace = "PlaypenRegistry"),
    (name = "CONTAINERS", service = "containers"),
    ${token === "" ? "" : `(name = "PLAYPEN_TOKEN", text = ${text(token)}),`}
  ],
);
`;
}

import { readdir } from "node:fs/promises";
import type { Socket } from "node:net";
import { anchorCapabilities, asOwnUser, namespaceArgs, type NamespaceTools } from "./bubblewrap.ts";
import type { Layout } from "./layout.ts";
import { parseAnchor, type Anchor, type ReportedAnchor } from "./namespaces.ts";
import type { LocalSettings } from "./options.ts";
import { readProcess } from "./process-table.ts";
import { Watcher } from "./watcher.ts";

const ready = "ready\n";
/** Runs in the sandbox as long as that lives: its user namespace is the one of all processes. */
const holdOpen = `echo ready; exec >/dev/null 2>&1 3>&-; while :; do sleep 86400; done`;
const startTimeoutMs = 30_000;

/** Starts the sandbox's watcher and, where there is isolation, the process that holds the namespaces. */
export async function startAnchor(
  layout: Layout,
  settings: LocalSettings,
  tools: NamespaceTools | undefined,
  mounts: readonly string[],
  onStarted: (watcher: Watcher) => void,
  signal: AbortSignal | undefined,
): Promise<{ readonly watcher: Watcher; readonly anchor: Anchor | undefined }> {
  const network = settings.network ? [] : ["--unshare-net"];
  const argv =
    tools === undefined
      ? []
      : [
          tools.bwrap,
          ...namespaceArgs,
          ...network,
          ...anchorCapabilities,
          "--json-status-fd",
          "3",
          ...mounts,
          "--chdir",
          "/",
          "--",
          ...asOwnUser(tools),
          "/bin/sh",
          "-c",
          holdOpen,
        ];
  const { watcher, stdout, stderr, status } = await Watcher.start(layout, argv);
  onStarted(watcher);
  try {
    const reported = tools === undefined ? undefined : await waitForAnchor(stdout, stderr, status, signal);
    const anchor = reported && { ...reported, holder: await childOf(reported.process) };
    watcher.unref();
    return { watcher, anchor };
  } finally {
    for (const stream of [stdout, stderr, status]) stream.destroy();
  }
}

function waitForAnchor(
  stdout: Socket,
  stderr: Socket,
  status: Socket,
  signal: AbortSignal | undefined,
): Promise<ReportedAnchor> {
  return new Promise((resolve, reject) => {
    const texts = { stdout: "", stderr: "", status: "" };
    const timer = setTimeout(() => {
      settle(() => reject(new Error(`bubblewrap was not ready after ${startTimeoutMs / 1000} s.`)));
    }, startTimeoutMs);
    const onAbort = (): void => settle(() => reject(signal?.reason));
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      finish();
    };
    const look = (): void => {
      const anchor = parseAnchor(texts.status.split("\n")[0] ?? "");
      if (texts.stdout === ready && anchor !== undefined) settle(() => resolve(anchor));
    };
    const fail = (): void => {
      settle(() => reject(new Error(texts.stderr.trim() || "bubblewrap ended without a word.")));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    for (const [name, stream] of Object.entries({ stdout, stderr, status }) as [
      keyof typeof texts,
      Socket,
    ][]) {
      stream.setEncoding("utf8");
      stream.on("error", fail);
      stream.on("data", (text: string) => {
        texts[name] += text;
        look();
      });
    }
    // All writers of it are gone, after their last words.
    stderr.once("end", fail);
  });
}

/** The one process that bubblewrap's own has started. */
async function childOf(parent: number): Promise<number> {
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && readProcess(pid)?.parent === parent) return pid;
  }
  throw new Error("The first process of the sandbox ended at once.");
}

import { type ChildProcess, spawn } from "node:child_process";
import { builtProgram, root } from "./places.ts";
import { readReport, type Report } from "./report.ts";

export interface RunProgramOptions {
  readonly arguments?: readonly string[];
  readonly nodeArguments?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs: number;
}

export type Outcome =
  | { readonly type: "reported"; readonly report: Report }
  | { readonly type: "timed out" }
  | { readonly type: "failed"; readonly message: string };

const running = new Set<ChildProcess>();

/** Runs one measuring program in a process of its own, so that its memory is its own. Leaves no process behind. */
export async function tryProgram(file: string, options: RunProgramOptions): Promise<Outcome> {
  const child = spawn(
    process.execPath,
    [...(options.nodeArguments ?? []), file, ...(options.arguments ?? [])],
    {
      cwd: options.cwd ?? root,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, which can be ended as a whole.
      detached: true,
    },
  );
  running.add(child);
  let output = "";
  let errors = "";
  const deadline = AbortSignal.timeout(options.timeoutMs);
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-4_000_000)));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-4000)));
  const onDeadline = (): void => endGroup(child);
  deadline.addEventListener("abort", onDeadline);
  const exit = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(String(code ?? signal)));
  });
  deadline.removeEventListener("abort", onDeadline);
  endGroup(child);
  running.delete(child);
  if (deadline.aborted) return { type: "timed out" };
  const report = readReport(output);
  if (exit === "0" && report !== undefined) return { type: "reported", report };
  return { type: "failed", message: `${file} ended with ${exit}: ${errors.trim() || output.slice(-2000)}` };
}

/**
 * Runs a measuring program that was built from bench/.
 *
 * @throws Error when it fails or takes too long.
 */
export async function runProgram(name: string, options: RunProgramOptions): Promise<Report> {
  const outcome = await tryProgram(builtProgram(name), options);
  if (outcome.type === "reported") return outcome.report;
  throw new Error(
    outcome.type === "failed" ? outcome.message : `${name} took longer than ${options.timeoutMs} ms.`,
  );
}

/** Ends what is still running, when the benchmarks are broken off. */
export function endPrograms(): void {
  for (const child of running) endGroup(child);
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nothing is left of the group.
  }
}

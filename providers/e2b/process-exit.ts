import type { ProcessExit } from "../../src/kit.ts";
import type { ProcessEnd } from "./process-service.ts";

/** The words that Go, in which envd is written, has for signals. */
const signals: { readonly [words: string]: string } = {
  hangup: "SIGHUP",
  interrupt: "SIGINT",
  quit: "SIGQUIT",
  "illegal instruction": "SIGILL",
  "trace/breakpoint trap": "SIGTRAP",
  aborted: "SIGABRT",
  "bus error": "SIGBUS",
  "floating point exception": "SIGFPE",
  killed: "SIGKILL",
  "user defined signal 1": "SIGUSR1",
  "segmentation fault": "SIGSEGV",
  "user defined signal 2": "SIGUSR2",
  "broken pipe": "SIGPIPE",
  "alarm clock": "SIGALRM",
  terminated: "SIGTERM",
};

/** Some versions of envd say −1 and the signal's name, others 128 plus its number. */
export function exitOfProcess({ exitCode, exited, status }: ProcessEnd): ProcessExit {
  const words = status.replace(/^signal: /, "").replace(/ \(core dumped\)$/, "");
  const signal = signals[words];
  if (!exited && signal !== undefined) return { code: null, signal };
  return { code: exitCode < 0 ? 255 : exitCode, signal: null };
}

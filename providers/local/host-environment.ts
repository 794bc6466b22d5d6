import type { Environment } from "../../src/kit.ts";

/** What gets in of the host's environment unless more is asked for: nothing in it is a secret. */
const allowed = new Set(["PATH", "LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "SHELL", "USER", "LOGNAME"]);

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The part of the host's environment that processes in a sandbox get. */
export function hostEnvironment(host: NodeJS.ProcessEnv, passEnv: readonly string[]): Environment {
  const names = new Set([...allowed, ...passEnv]);
  const result: { [name: string]: string } = { PATH: defaultPath };
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && (names.has(name) || name.startsWith("LC_"))) result[name] = value;
  }
  return result;
}

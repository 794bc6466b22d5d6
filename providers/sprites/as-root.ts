import type { Argv } from "../../src/kit.ts";

/** Becomes root where it is not, by `sudo` without a password, as sprites have it. */
export function asRoot(inner: Argv): Argv {
  return ["/bin/sh", "-c", '[ "$(id -u)" = 0 ] && exec "$@"; exec sudo -n -- "$@"', "playpen-root", ...inner];
}

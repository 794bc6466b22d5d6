import { type Argv, escapedForPrintf, shellLine } from "./launcher.ts";

/**
 * For a vendor's API that takes a command as part of an address, which proxies log and cut off at a few thousand bytes:
 * the address names a small shell, and the command itself is the first line of its standard input, as `carriedLine`
 * makes it. The shell reads byte by byte, so that the rest is left to the command.
 */
export const carrier: Argv = [
  "/bin/sh",
  "-c",
  'IFS= read -r playpen_line || exit 125; eval "$(printf %b "$playpen_line")"',
];

/** The command as one line. */
export function carriedLine(argv: Argv): string {
  return `${escapedForPrintf(`exec ${shellLine(argv)}`)}\n`;
}

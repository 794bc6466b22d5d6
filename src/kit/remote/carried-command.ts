import { type Argv, shellLine } from "./launcher.ts";

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

/** One line: every byte that means something to `printf %b` or ends the line stands as an octal number. */
export function carriedLine(argv: Argv): string {
  const escaped = `exec ${shellLine(argv)}`.replace(
    /[\\\n\r]/g,
    (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `${escaped}\n`;
}

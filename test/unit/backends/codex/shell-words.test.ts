import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unwrapShell } from "../../../../backends/codex/shell-words.ts";

describe("unwrapShell", () => {
  it.each([
    ["/bin/bash -lc ls", "ls"],
    ["/bin/bash -lc 'echo hi; exit 3'", "echo hi; exit 3"],
    ["/usr/bin/sh -c 'cat <<EOF\nhi\nEOF'", "cat <<EOF\nhi\nEOF"],
    ["/bin/zsh -lc \"echo 'hi'\"", "echo 'hi'"],
    ["/bin/bash -lc ''", ""],
    ["/bin/bash -lc 'bash -lc ls'", "bash -lc ls"],
  ])("takes the wrapper off %s", (command, inner) => {
    expect(unwrapShell(command)).toBe(inner);
  });

  it.each([
    "ls -l",
    "/bin/bash -lc ls -l",
    "/bin/bash -lc 'a' 'b'",
    "/bin/bash -lc 'unclosed",
    '/bin/bash -lc "unclosed',
    '/bin/bash -lc "$HOME"',
    "/bin/bash -lc $(rm -rf /)",
    "/bin/bash -lc ls;rm",
    "/bin/bash script.sh",
    "python -c 'print(1)'",
  ])("leaves %s as it is", (command) => {
    expect(unwrapShell(command)).toBe(command);
  });

  it("gives back any text that was quoted", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const quoted = `'${text.replaceAll("'", "'\\''")}'`;
        expect(unwrapShell(`/bin/bash -lc ${quoted}`)).toBe(text);
      }),
    );
  });
});

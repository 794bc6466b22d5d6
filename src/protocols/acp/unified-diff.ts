const contextLines = 3;

/**
 * A unified diff of one hunk from the first to the last line that differs. `before` is absent for a new file, `after`
 * for one that is gone. Where an agent tells only a part of a file, the line numbers count from that part.
 */
export function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  const old = linesOf(before ?? "");
  const now = linesOf(after ?? "");
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let oldEnd = old.length;
  let nowEnd = now.length;
  while (oldEnd > start && nowEnd > start && old[oldEnd - 1] === now[nowEnd - 1]) {
    oldEnd--;
    nowEnd--;
  }
  const header = `--- ${before === undefined ? "/dev/null" : path}\n+++ ${after === undefined ? "/dev/null" : path}\n`;
  if (oldEnd === start && nowEnd === start) return header;
  const from = Math.max(0, start - contextLines);
  const tail = Math.min(contextLines, old.length - oldEnd);
  const hunk = [
    `@@ -${range(from, oldEnd + tail)} +${range(from, nowEnd + tail)} @@\n`,
    ...old.slice(from, start).map((line) => marked(" ", line)),
    ...old.slice(start, oldEnd).map((line) => marked("-", line)),
    ...now.slice(start, nowEnd).map((line) => marked("+", line)),
    ...old.slice(oldEnd, oldEnd + tail).map((line) => marked(" ", line)),
  ];
  return header + hunk.join("");
}

/** Each with its line end, so that a missing one at the end of the file is a difference. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function range(from: number, to: number): string {
  const count = to - from;
  return `${count === 0 ? from : from + 1},${count}`;
}

function marked(mark: string, line: string): string {
  return line.endsWith("\n") ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`;
}

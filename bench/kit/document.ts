import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { root } from "./places.ts";
import type { Results } from "./results.ts";
import type { Row } from "./row.ts";
import { cellsOf } from "./table.ts";

const file = join(root, "docs/performance.md");

/**
 * Puts the figures into docs/performance.md, between a pair of comments for each benchmark.
 *
 * @throws Error when the document lacks the place for one.
 */
export async function updateDocument({ machine, benches }: Results): Promise<void> {
  const { processor, cores, memoryGb, system, node, docker } = machine;
  let text = readFileSync(file, "utf8");
  const place = `${cores} cores (${processor}), ${memoryGb} GB, ${system}, Node ${node}, Docker ${docker}`;
  text = replaced(text, "machine", `${place}.`);
  for (const [name, { measuredAt, rows }] of Object.entries(benches)) {
    text = replaced(text, name, `${table(rows)}\n\nMeasured on ${measuredAt}.`);
  }
  const options = (await resolveConfig(file)) ?? {};
  writeFileSync(file, await format(text, { ...options, filepath: file }));
}

function replaced(text: string, name: string, content: string): string {
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} has no place for the figures of "${name}".`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { name, floor, subject, comparison, target } = cellsOf(row);
    const label = row.note === undefined ? name : `${name}<br>${row.note}`;
    return `| ${label} | ${floor} | ${subject} | ${comparison} | ${target.replace("MISSED", "**missed**")} |`;
  });
  return ["| what | floor | subject | compared | target |", "|---|---|---|---|---|", ...lines].join("\n");
}

import { objectField } from "playpen/kit";

export function labelsIn(body: unknown): { readonly [name: string]: string } {
  const labels = Object.entries(objectField(body, "labels"));
  return Object.fromEntries(labels.map(([name, value]) => [name, String(value)]));
}

/** Words are parted by blanks, quotes of either kind keep blanks, and there are no escapes. */
export function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^ '"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
  );
}

/** The fields of a body in `multipart/form-data`. */
export function fieldsOf(body: Buffer, boundary: string): ReadonlyMap<string, Buffer> {
  const fields = new Map<string, Buffer>();
  const mark = `--${boundary}`;
  for (let at = body.indexOf(mark); at !== -1;) {
    const next = body.indexOf(`\r\n${mark}`, at);
    const headEnd = body.indexOf("\r\n\r\n", at);
    if (next === -1 || headEnd === -1) break;
    const name = / name="([^"]*)"/.exec(body.toString("utf8", at, headEnd))?.[1];
    if (name !== undefined) fields.set(name, body.subarray(headEnd + 4, next));
    at = next + 2;
  }
  return fields;
}

import { realpathSync } from "node:fs";
import { dirname } from "node:path";

/** Takes out of a recording what only one machine or one run has. */
export class Scrubber {
  readonly #replacements: readonly (readonly [what: string, by: string])[];

  constructor(given: { readonly executable: string; readonly modelUrl: string; readonly apiKey: string }) {
    const { executable, modelUrl, apiKey } = given;
    const replacements: (readonly [string, string])[] = [
      [apiKey, "[redacted]"],
      [new URL(modelUrl).host, "127.0.0.1:8080"],
      [`localhost:${new URL(modelUrl).port}`, "127.0.0.1:8080"],
    ];
    for (const path of new Set([executable, realpathSync(executable)])) {
      const modules = /^(.*)\/node_modules\//.exec(path)?.[1];
      // A CLI that npm installed tells where its own files are.
      if (modules === undefined) replacements.push([dirname(path), "/usr/local/bin"]);
      else replacements.push([`${modules}/node_modules`, "/usr/local/lib/node_modules"]);
    }
    replacements.push([process.execPath, "/usr/local/bin/node"]);
    this.#replacements = replacements
      .filter(([what, by]) => what !== by && what !== "/usr/bin" && what !== "/bin")
      .sort(([left], [right]) => right.length - left.length);
  }

  scrub(text: string): string {
    let result = text;
    for (const [what, by] of this.#replacements) {
      if (result.includes(what)) result = result.replaceAll(what, by);
    }
    return result;
  }
}

import type { JsonObject, Skill } from "../../src/kit.ts";

/**
 * A skill as Droid has it in memory once it has read its folder. The settings take it in this form; the folders that
 * Droid looks into by itself are all either the project's or common to the sessions of a sandbox.
 */
export function skillEntry({ name, files }: Skill, folder: string): JsonObject {
  const content = files["SKILL.md"] ?? "";
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  const { fields, body } = frontMatter(text);
  const isDisabled = flag(fields.get("disable-model-invocation"));
  const isInvocable = flag(fields.get("user-invocable"));
  return {
    metadata: {
      name,
      description: fields.get("description") ?? firstLine(body),
      ...(isDisabled === undefined ? {} : { disableModelInvocation: isDisabled }),
      ...(isInvocable === undefined ? {} : { userInvocable: isInvocable }),
    },
    systemPrompt: body,
    location: "personal",
    filePath: `${folder}/SKILL.md`,
    lastModified: 0,
    validationResult: { valid: true, errors: [], warnings: [] },
  };
}

interface FrontMatter {
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Reads the texts at the top of a skill's front matter: plain, quoted, folded and literal ones. */
function frontMatter(text: string): FrontMatter {
  const match = /^\uFEFF?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|$)/ms.exec(text);
  const fields = new Map<string, string>();
  if (match === null) return { fields, body: text.trim() };
  const lines = (match[1] ?? "").split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const entry = /^([A-Za-z][\w-]*):(?:[ \t]+(.*))?$/.exec(lines[index] ?? "");
    if (entry === null) continue;
    const [, name = "", first = ""] = entry;
    const more: string[] = [];
    while (/^(?:[ \t]+|$)/.test(lines[index + 1] ?? "x")) more.push((lines[++index] ?? "").trim());
    fields.set(name, scalar(first.trim(), more));
  }
  return { fields, body: text.slice(match[0].length).trim() };
}

function scalar(first: string, more: readonly string[]): string {
  if (/^\|[+-]?$/.test(first)) return more.join("\n").trim();
  const text = (/^>[+-]?$/.test(first) ? more : [first, ...more]).filter((line) => line !== "").join(" ");
  if (text.startsWith('"') && text.endsWith('"') && text.length > 1) {
    return text.slice(1, -1).replace(/\\(["\\])/g, "$1");
  }
  if (text.startsWith("'") && text.endsWith("'") && text.length > 1) {
    return text.slice(1, -1).replaceAll("''", "'");
  }
  return text.replace(/[ \t]+#.*$/, "");
}

function flag(value: string | undefined): boolean | undefined {
  return value === "true" ? true : value === "false" ? false : undefined;
}

function firstLine(body: string): string {
  return (
    body
      .split("\n")
      .map((line) => line.replace(/^#+\s*/, "").trim())
      .find((line) => line !== "") ?? ""
  );
}

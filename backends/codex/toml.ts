/** A value that TOML can hold. */
export type TomlValue =
  string | number | boolean | readonly TomlValue[] | { readonly [key: string]: TomlValue };

export function isTomlValue(value: unknown): value is TomlValue {
  if (typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every(isTomlValue);
}

/** Writes a value on one line, tables in braces. */
export function tomlValue(value: TomlValue): string {
  if (typeof value === "string") return tomlString(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  const members = Object.entries(value).map(([key, item]) => `${tomlKey(key)} = ${tomlValue(item)}`);
  return `{${members.join(", ")}}`;
}

/** Writes a whole document: one line per top-level member. */
export function tomlDocument(members: { readonly [key: string]: TomlValue }): string {
  return Object.entries(members)
    .map(([key, value]) => `${tomlKey(key)} = ${tomlValue(value)}\n`)
    .join("");
}

function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key);
}

function tomlString(text: string): string {
  // JSON's escapes are TOML's, but TOML also wants U+007F escaped.
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

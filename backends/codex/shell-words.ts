/**
 * What a person would have typed: Codex runs `ls -l` as `/bin/bash -lc 'ls -l'`. Anything that is not exactly such a
 * call is returned as it is.
 */
export function unwrapShell(command: string): string {
  const match = /^(?:\/\S*\/)?(?:ba|z|da|k)?sh -l?c ([\s\S]+)$/.exec(command);
  return (match?.[1] === undefined ? undefined : singleWord(match[1])) ?? command;
}

/** The value of a text that is one word of the POSIX shell without expansions, else `undefined`. */
function singleWord(text: string): string | undefined {
  let word = "";
  for (let index = 0; index < text.length;) {
    const char = text.charAt(index);
    if (char === "'") {
      const end = text.indexOf("'", index + 1);
      if (end === -1) return undefined;
      word += text.slice(index + 1, end);
      index = end + 1;
    } else if (char === '"') {
      const quoted = doubleQuoted(text, index + 1);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      index = quoted.next;
    } else if (char === "\\") {
      if (index + 1 >= text.length) return undefined;
      word += text.charAt(index + 1);
      index += 2;
    } else if (/[\s$`&|;<>()#*?[\]{}~!]/.test(char)) {
      return undefined;
    } else {
      word += char;
      index += 1;
    }
  }
  return word;
}

function doubleQuoted(
  text: string,
  start: number,
): { readonly text: string; readonly next: number } | undefined {
  let value = "";
  for (let index = start; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === '"') return { text: value, next: index + 1 };
    if (char === "\\" && /[\\"$`\n]/.test(text.charAt(index + 1))) {
      value += text.charAt(index + 1);
      index += 1;
    } else if (char === "$" || char === "`") {
      return undefined;
    } else {
      value += char;
    }
  }
  return undefined;
}

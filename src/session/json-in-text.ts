/** Candidates are looked for in so much of a text's end at most: the search for them is not linear. */
const searchedLength = 256 * 1024;
const maxTries = 100;

/**
 * The JSON value in an agent's answer: the whole text, else what stands in its last code fence, else the last object
 * or array in it. `undefined` when there is none.
 */
export function jsonIn(text: string): unknown {
  const whole = parsed(text);
  if (whole !== undefined) return whole;
  const fences = [...text.matchAll(/^```[\w-]*[ \t]*\r?\n([\s\S]*?)^```/gm)];
  for (const [, inside = ""] of fences.reverse()) {
    const value = parsed(inside);
    if (value !== undefined) return value;
  }
  return lastValue(text.slice(-searchedLength));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The last object or array that is not part of another. */
function lastValue(text: string): unknown {
  let last: unknown;
  let place = 0;
  for (let tries = 0; tries < maxTries; tries++) {
    const start = text.slice(place).search(/[{[]/);
    if (start === -1) break;
    place += start;
    const end = endOfValue(text, place);
    const value = end === undefined ? undefined : parsed(text.slice(place, end));
    if (value !== undefined) last = value;
    place = value === undefined || end === undefined ? place + 1 : end;
  }
  return last;
}

/** Where the object or array that begins at `start` ends, by its brackets. */
function endOfValue(text: string, start: number): number | undefined {
  let depth = 0;
  const tokens = /"(?:[^"\\\n]|\\.)*"|[{}[\]]/g;
  tokens.lastIndex = start;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    if (token[0] === "{" || token[0] === "[") depth += 1;
    else if (token[0] === "}" || token[0] === "]") depth -= 1;
    if (depth === 0) return tokens.lastIndex;
  }
  return undefined;
}

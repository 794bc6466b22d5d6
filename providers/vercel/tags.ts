import { type Labels, SandboxAgentError, isJsonObject, parseJson } from "../../src/kit.ts";

/** The vendor keeps five tags of a sandbox at most. One tells whose it is; the others hold the labels, cut into pieces. */
const mostPieces = 4;
const pieceLength = 256;

export const ownTag = { playpen: "sandbox" } as const;

/** Of a record that is kept for the name of a snapshot. */
export const snapshotTags = { name: "playpen-snapshot", id: "playpen-snapshot-id" } as const;

/** The library's own labels of a sandbox. */
export const ownLabels = {
  /** Present where a working directory was asked for. */
  cwd: "playpen.cwd",
  /** Milliseconds since the epoch; present once a sandbox was let go of. */
  endsAt: "playpen.vercel.ends-at",
  /** Where the library looks for what may be swept up. */
  expiresAt: "playpen.expires-at",
} as const;

/** @throws SandboxAgentError `sandbox_create_failed` where they are too long. */
export function tagsOf(labels: Labels): { [name: string]: string } {
  const text = Buffer.from(JSON.stringify(labels)).toString("base64url");
  const pieces = text.match(new RegExp(`.{1,${pieceLength}}`, "g")) ?? [];
  if (pieces.length > mostPieces) {
    throw new SandboxAgentError(
      "sandbox_create_failed",
      `The labels are too long for the tags that Vercel keeps: ${text.length} of ${mostPieces * pieceLength} characters.`,
      { details: { provider: "vercel" }, remedy: "Give fewer labels, or shorter ones." },
    );
  }
  return { ...ownTag, ...Object.fromEntries(pieces.map((piece, index) => [`playpen-${index + 1}`, piece])) };
}

/** `undefined` for a sandbox that is not the library's. */
export function labelsIn(tags: { readonly [name: string]: string } | undefined): Labels | undefined {
  if (tags?.["playpen"] !== ownTag.playpen) return undefined;
  const pieces = Array.from({ length: mostPieces }, (_, index) => tags[`playpen-${index + 1}`] ?? "");
  const labels = parseJson(Buffer.from(pieces.join(""), "base64url").toString());
  if (!isJsonObject(labels)) return undefined;
  const texts = Object.entries(labels).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as const] : [],
  );
  return Object.fromEntries(texts);
}

/** Whether a sandbox that was let go of has had its time. */
export function isOver(labels: Labels): boolean {
  return Number(labels[ownLabels.endsAt] ?? Number.POSITIVE_INFINITY) <= Date.now();
}

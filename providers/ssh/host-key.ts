import type { ServerHostKeyAlgorithm } from "ssh2";
import { createHash, timingSafeEqual } from "node:crypto";
import type { OptionCheck } from "../../src/kit.ts";

/** What a machine must prove to be. */
export interface HostKey {
  /** SHA-256 of the public key. */
  readonly digest: Buffer;
  /**
   * Signature algorithms to ask the machine for, so that of its several keys it shows the one that is known. A
   * fingerprint does not tell its kind: the lists are tried one after the other.
   */
  readonly algorithms: readonly (readonly ServerHostKeyAlgorithm[])[];
}

const ecdsa = ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"] as const;
const rsa = ["rsa-sha2-512", "rsa-sha2-256"] as const;

/** By the first word of a public key line. */
const algorithmsByType: { readonly [type: string]: readonly ServerHostKeyAlgorithm[] } = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ssh-rsa": rsa,
  ...Object.fromEntries(ecdsa.map((name) => [name, [name]])),
};

const fingerprintPattern = /^SHA256:([A-Za-z0-9+/]{43})=?$/;

export const hostKeyProblem: OptionCheck = (value) => {
  const expected = 'a public key line such as "ssh-ed25519 AAAA…", or a fingerprint "SHA256:…"';
  if (typeof value !== "string") return expected;
  return fingerprintPattern.test(value.trim()) || readLine(value) !== undefined ? undefined : expected;
};

/** @throws Error for what `hostKeyProblem` finds wrong. */
export function parseHostKey(text: string): HostKey {
  const [, fingerprint] = fingerprintPattern.exec(text.trim()) ?? [];
  if (fingerprint !== undefined) {
    return { digest: Buffer.from(fingerprint, "base64"), algorithms: [["ssh-ed25519"], ecdsa, rsa] };
  }
  const line = readLine(text);
  if (line === undefined) throw new Error("This is no public key.");
  return { digest: digestOf(line.blob), algorithms: [line.algorithms] };
}

export function isExpectedKey({ digest }: HostKey, blob: Buffer): boolean {
  return timingSafeEqual(digest, digestOf(blob));
}

/** As `ssh-keygen -l` shows it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${digestOf(blob).toString("base64").replace(/=+$/, "")}`;
}

function digestOf(blob: Buffer): Buffer {
  return createHash("sha256").update(blob).digest();
}

/** The key itself begins with its type, too. */
function readLine(
  line: string,
): { readonly blob: Buffer; readonly algorithms: readonly ServerHostKeyAlgorithm[] } | undefined {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const algorithms = Object.hasOwn(algorithmsByType, type) ? algorithmsByType[type] : undefined;
  const blob = Buffer.from(base64, "base64");
  if (algorithms === undefined || blob.length < 4 + type.length) return undefined;
  const inner = blob.toString("latin1", 4, 4 + type.length);
  return blob.readUInt32BE(0) === type.length && inner === type ? { blob, algorithms } : undefined;
}

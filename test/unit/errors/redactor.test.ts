import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSecretName, Redactor } from "../../../src/errors/redactor.ts";
import { LineDecoder } from "../../../src/lines/line-decoder.ts";

function redactorOf(...secrets: readonly string[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

describe("Redactor", () => {
  it("removes secrets as they are and as they stand in JSON, in JSON inside of JSON, and in addresses", () => {
    const secret = 'pa"ss\\wörd/ü1';
    const redactor = redactorOf(secret);
    const json = JSON.stringify({ secret });
    const ascii = json.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
    for (const text of [
      secret,
      json,
      JSON.stringify({ json }),
      ascii,
      json.replaceAll("/", "\\/"),
      `https://host/?key=${encodeURIComponent(secret)}`,
    ]) {
      expect(redactor.redact(text)).toContain("[redacted]");
      expect(redactor.redact(text)).not.toMatch(/w(ö|\\u00f6|%C3%B6)rd/);
    }
  });

  it("leaves short values alone, and removes a secret that contains another one whole", () => {
    const redactor = redactorOf("short", "abcdefgh", "xx-abcdefgh-yy");
    expect(redactor.redact("short xx-abcdefgh-yy abcdefgh")).toBe("short [redacted] [redacted]");
  });

  it("removes every line of a secret that has several", () => {
    const redactor = redactorOf("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n");
    const text = "printed:\n-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\nend";
    expect(redactor.redact(text)).toBe("printed:\n[redacted]\n[redacted]\n[redacted]\nend");
    expect(redactor.redact(JSON.stringify({ text }))).not.toContain("MIIEv");
  });

  it("redacts the same wherever the output is cut", () => {
    const secrets = ["s3cr3t-0123456789", "line one of it\nline two of it"];
    const decode = (chunks: readonly Uint8Array[]): unknown[] => {
      const redactor = redactorOf(...secrets);
      const decoder = new LineDecoder({ maxLineBytes: 4096, redactor });
      return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()];
    };
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...secrets, "\n", "x".repeat(1000)), fc.string()), {
          maxLength: 12,
        }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (pieces, places) => {
          const bytes = Buffer.from(pieces.join(""));
          const sorted = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort(
            (a, b) => a - b,
          );
          const whole = decode([bytes]);
          expect(decode(sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end)))).toEqual(
            whole,
          );
          expect(JSON.stringify(whole)).not.toMatch(/s3cr3t-0123456789|line (one|two) of it/);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("leaves no part of a secret that stands where a line is cut for its length", () => {
    const secret = "s3cr3t-0123456789";
    const redactor = redactorOf(secret);
    for (let place = 2048 - secret.length; place <= 2048; place++) {
      const decoder = new LineDecoder({
        maxLineBytes: 64 * 1024,
        redactor,
      });
      const line = "x".repeat(place) + secret + "y".repeat(70_000);
      const [cut] = decoder.push(Buffer.from(`${line}\n`));
      expect(typeof cut === "object" && cut.prefix).not.toContain("s3c");
      expect(cut).toMatchObject({ bytes: line.length });
    }
  });

  it("knows the names of variables that carry secrets", () => {
    for (const name of [
      "ANTHROPIC_API_KEY",
      "GH_TOKEN",
      "DB_PASSWORD",
      "Authorization",
      "set-cookie",
      "PRIVATE_PEM",
    ]) {
      expect(isSecretName(name)).toBe(true);
    }
    for (const name of ["PATH", "HOME", "LANG", "NODE_OPTIONS"]) expect(isSecretName(name)).toBe(false);
  });
});

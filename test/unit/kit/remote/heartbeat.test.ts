import { spawn } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeartbeatFilter } from "../../../../src/kit/remote/heartbeat-filter.ts";
import { heartbeatLine, heartbeatStage } from "../../../../src/kit/remote/launcher.ts";

const mark = Buffer.from(heartbeatLine);

function filtered(chunks: readonly Uint8Array[]): Buffer {
  const filter = new HeartbeatFilter();
  return Buffer.concat([...chunks.map((chunk) => filter.push(chunk)), filter.end()]);
}

function cut(bytes: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const size of sizes) chunks.push(bytes.subarray(from, (from += size)));
  return [...chunks, bytes.subarray(from)];
}

describe("HeartbeatFilter", () => {
  it("takes out whole marks, however the bytes are cut, and nothing else", () => {
    const piece = fc.oneof(
      fc.constant(mark),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.nat(mark.length - 1).map((length) => mark.subarray(0, length)),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 20 }),
        fc.array(fc.nat(12), { maxLength: 40 }),
        (pieces, sizes) => {
          const bytes = Buffer.concat(pieces);
          const whole = filtered([bytes]);
          expect(filtered(cut(bytes, sizes))).toEqual(whole);
          expect((bytes.length - whole.length) % mark.length).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("leaves what only begins like a mark", () => {
    const almost = Buffer.concat([mark.subarray(0, 5), Buffer.from("x"), mark.subarray(0, 3)]);
    expect(filtered([almost])).toEqual(almost);
    expect(filtered([Buffer.concat([Buffer.from("a"), mark, mark, Buffer.from("b")])])).toEqual(
      Buffer.from("ab"),
    );
  });

  it("hands over what has no mark without copying it", () => {
    const chunk = Buffer.from("an ordinary line\n");
    expect(new HeartbeatFilter().push(chunk)).toBe(chunk);
  });
});

describe("heartbeatStage", () => {
  it.each([
    ["a pipe", (argv: readonly string[]) => ["sh", "-c", '"$@" 2>&1 >/dev/null | cat >&2', "sh", ...argv]],
    ["a socket", (argv: readonly string[]) => [...argv]],
  ])("is heard of on %s while the program is silent, and ends with it", async (_what, wrap) => {
    const argv = heartbeatStage(["/bin/sh", "-c", "read -r line; exit 3"], 1000);
    const [program = "", ...args] = wrap(argv);
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"] });
    let heard = "";
    child.stderr.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      // Twice, so that it is no single one at the start.
      if (heard.split(heartbeatLine).length > 2) child.stdin.end("go\n");
    });
    await once(child, "close");
    expect(heard.replaceAll(heartbeatLine, "")).toBe("");
  });
});

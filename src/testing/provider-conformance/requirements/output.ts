import { setTimeout as delay } from "node:timers/promises";
import { createHash } from "node:crypto";
import { readAll } from "../conversation.ts";
import { expectBytes, expectEqual, expectRejection, expectTrue } from "../expectations.ts";
import { memoryWatch } from "../held-memory.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { sampleBytes } from "../sample-data.ts";

const megabyte = 1024 * 1024;

export const outputRequirements: readonly ProviderRequirement[] = [
  {
    id: "process.output-separate",
    title: "keeps standard output and standard error apart, each in order",
    async run(context) {
      const sandbox = await context.create();
      const script = 'for n in 1 2 3 4 5; do echo "out $n"; echo "error $n" >&2; done';
      const { stdout, stderr } = await context.run(sandbox, script);
      const lines = (word: string): string => [1, 2, 3, 4, 5].map((n) => `${word} ${n}\n`).join("");
      expectEqual(stdout.toString(), lines("out"), "Standard output");
      expectEqual(stderr.toString(), lines("error"), "Standard error");
    },
  },
  {
    id: "process.output-binary",
    title: "hands over 5 MB of output with all byte values unchanged, on both streams",
    async run(context) {
      const sandbox = await context.create();
      // Framing bytes of known engines, beside every other value.
      const frames = [1, 1, 1, 2, 2, 2, 0, 0, 0, 255, 254, 13, 10, 13, 26, 4, 0];
      const data = Buffer.concat([sampleBytes(5 * megabyte), Buffer.from(frames)]);
      await sandbox.files.write("data", data);
      const { stdout, stderr } = await context.run(sandbox, "cat data; cat data >&2");
      expectBytes(stdout, data, "Standard output");
      expectBytes(stderr, data, "Standard error");
    },
  },
  {
    id: "process.output-live",
    title: "hands over output while the process runs, without waiting for more",
    async run(context) {
      const sandbox = await context.create();
      const conversation = await context.start(sandbox, "printf 'no line end'; exec sleep 300");
      const reader = conversation.rest.bind(conversation);
      const first = context.start(sandbox, "echo first; exec sleep 300");
      expectEqual(await (await first).line(), "first", "The line of a process that goes on");
      await context.within(conversation.process.kill(), "kill()");
      expectEqual((await reader()).toString(), "no line end", "What was written before the kill");
    },
  },
  {
    id: "process.output-complete",
    title: "loses nothing of 10,000 lines that are written right before the exit, 20 times",
    async run(context) {
      const sandbox = await context.create();
      const expected = Array.from({ length: 10_000 }, (_, index) => `${index + 1}\n`).join("");
      for (let round = 0; round < 20; round++) {
        const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "exec seq 1 10000"], stdin: "ignore" });
        // It all fits into a pipe, so that the process can end before anything is read.
        if (round % 2 === 1) await context.within(process.exited, "exited");
        const output = await context.within(readAll(process.stdout), "standard output");
        expectBytes(output, Buffer.from(expected), `Output of round ${round + 1}`);
        expectEqual(
          (await context.within(process.exited, "exited")).code,
          0,
          `Exit code of round ${round + 1}`,
        );
      }
    },
  },
  {
    id: "process.output-back-pressure",
    title: "makes a process that writes 100 MB wait for its reader, without holding its output in memory",
    needs: "backpressure",
    timeoutMs: 120_000,
    async run(context) {
      const sandbox = await context.create();
      const total = 100;
      const source = `seq 1 20000000 | head -c ${total * megabyte}`;
      const expected = (await context.text(sandbox, `${source} | sha256sum`)).slice(0, 64);
      const memory = await memoryWatch(32 * megabyte, "While a process waits for its reader");
      // Each megabyte that has left the process is one byte in the file `written`.
      const process = await sandbox.spawn({
        argv: [
          "/bin/sh",
          "-c",
          `: > written; ${source} | { n=0; while [ $n -lt ${total} ]; do head -c ${megabyte}; printf . >> written; n=$((n + 1)); done; }`,
        ],
        stdin: "ignore",
      });
      const hash = createHash("sha256");
      const reader = process.stdout.getReader();
      const read = async (): Promise<number | undefined> => {
        const { done, value } = await context.within(reader.read(), "standard output");
        if (done) return undefined;
        hash.update(value);
        return value.byteLength;
      };
      let length = (await read()) ?? 0;
      const written = async (): Promise<number> => Number(await context.text(sandbox, "wc -c < written"));
      let before = -1;
      let now = await written();
      // Nothing happens at a stall that could be waited for.
      while (now !== before) {
        await delay(500);
        before = now;
        now = await written();
      }
      const waits = context.provider.capabilities.backpressure === "native";
      expectTrue(
        !waits || now <= total / 2,
        `Expected the writer to wait for its reader, but it wrote ${now} MB meanwhile.`,
      );
      await memory.measure();
      memory.check();
      for (let size = await read(); size !== undefined; size = await read()) {
        const quarter = Math.floor((4 * length) / (total * megabyte));
        length += size;
        if (Math.floor((4 * length) / (total * megabyte)) > quarter) await memory.measure();
      }
      memory.check();
      expectEqual(length, total * megabyte, "Bytes that arrived");
      expectEqual(hash.digest("hex"), expected, "Their sha256");
      expectEqual((await context.within(process.exited, "exited")).code, 0, "The exit code");
    },
  },
  {
    id: "process.output-limit",
    title: "fails the output that nobody reads with output_too_large where it declares no back-pressure",
    timeoutMs: 120_000,
    async run(context) {
      if (context.provider.capabilities.backpressure !== "none") return;
      const sandbox = await context.create();
      const memory = await memoryWatch(160 * megabyte, "While nobody reads a process's output");
      const process = await sandbox.spawn({
        argv: ["/bin/sh", "-c", `seq 1 80000000 | head -c ${400 * megabyte}; sleep 300`],
        stdin: "ignore",
      });
      const reader = process.stdout.getReader();
      await context.within(reader.read(), "the first of standard output");
      // Nothing happens at the limit that could be waited for, and what was read would not count towards it.
      await delay(context.patienceMs);
      await memory.measure();
      memory.check();
      const what = "reading output that went beyond the limit";
      const drained = (async () => {
        for (;;) if ((await reader.read()).done) return;
      })();
      await context.within(expectRejection(drained, ["output_too_large"], what), what);
      await context.within(process.kill(), "kill()");
      expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "A process after the failure");
    },
  },
  {
    id: "process.output-cancel",
    title: "lets a host give up a stream without harm to the process's other one or to its exit",
    async run(context) {
      const sandbox = await context.create();
      const process = await sandbox.spawn({
        argv: ["/bin/sh", "-c", "trap '' PIPE; seq 1 200000 2>/dev/null; echo error >&2; exit 5"],
        stdin: "ignore",
      });
      await context.within(process.stdout.cancel(), "cancel() of standard output");
      const error = await context.within(readAll(process.stderr), "standard error");
      expectTrue(
        error.toString().includes("error\n"),
        "Expected standard error to be handed over all the same.",
      );
      const exit = await context.within(process.exited, "exited after standard output was cancelled");
      expectEqual(exit, { code: 5, signal: null }, "The exit");
    },
  },
];

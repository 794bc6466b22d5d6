import { expectBytes, expectEqual, expectTrue, outcomeOf } from "../expectations.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { sampleBytes, sha256 } from "../sample-data.ts";

const megabyte = 1024 * 1024;

export const stdinRequirements: readonly ProviderRequirement[] = [
  {
    id: "process.stdin-stays-open",
    title: "keeps standard input open, so that a process can be talked to",
    needs: "stdin",
    async run(context) {
      const sandbox = await context.create();
      const conversation = await context.start(
        sandbox,
        'while read -r line; do echo "got $line"; done; echo end',
      );
      for (const word of ["one", "two", "three"]) {
        await conversation.send(`${word}\n`);
        expectEqual(await conversation.line(), `got ${word}`, `The answer to ${word}`);
      }
      await conversation.closeInput();
      expectEqual((await conversation.rest()).toString(), "end\n", "Output after the input was closed");
      const exit = await context.within(conversation.process.exited, "exited");
      expectEqual(exit, { code: 0, signal: null }, "The exit");
    },
  },
  {
    id: "process.stdin-half-close",
    title: "lets a process answer after its standard input was closed",
    needs: "stdin",
    async run(context) {
      const sandbox = await context.create();
      const conversation = await context.start(sandbox, "cat > kept; seq 1 20000; wc -c < kept; exit 9");
      await conversation.send("12345");
      await conversation.closeInput();
      const lines = (await conversation.rest()).toString().trimEnd().split("\n");
      expectEqual(lines.length, 20_001, "Lines of output after the input was closed");
      expectEqual(lines.at(-1)?.trim(), "5", "Bytes of input that the process got");
      const exit = await context.within(conversation.process.exited, "exited");
      expectEqual(exit, { code: 9, signal: null }, "The exit");
    },
  },
  {
    id: "process.stdin-ignored",
    title: "gives an empty standard input where none is wanted",
    async run(context) {
      const sandbox = await context.create();
      const { exit, stdout } = await context.run(sandbox, "cat; echo end");
      expectEqual(stdout.toString(), "end\n", 'Output of cat with stdin: "ignore"');
      expectEqual(exit, { code: 0, signal: null }, "The exit");
    },
  },
  {
    id: "process.stdin-binary",
    title: "hands over 5 MB of input with all byte values unchanged",
    needs: "stdin",
    async run(context) {
      const sandbox = await context.create();
      const input = sampleBytes(5 * megabyte);
      const output = await context.text(sandbox, "cat > input; wc -c < input; sha256sum < input", { input });
      const [size, hash] = output.split("\n");
      expectEqual(size?.trim(), String(input.byteLength), "Bytes that arrived");
      expectEqual(hash?.slice(0, 64), sha256(input), "Their sha256");
    },
  },
  {
    id: "process.stdin-echo",
    title: "carries input and output of one process at the same time",
    needs: "stdin",
    async run(context) {
      const sandbox = await context.create();
      const input = sampleBytes(2 * megabyte);
      const { stdout } = await context.run(sandbox, "exec cat", { input });
      expectBytes(stdout, input, "What cat returned");
    },
  },
  {
    id: "process.stdin-broken-pipe",
    title: "survives writing to a process that has closed its input or has ended",
    needs: "stdin",
    async run(context) {
      const sandbox = await context.create();
      for (const script of ["exec 0<&-; echo closed; sleep 0.2; exit 6", "exit 6"]) {
        const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", script] });
        if (script.includes("closed")) {
          const reader = process.stdout.getReader();
          await context.within(reader.read(), "the first output");
          reader.releaseLock();
        } else {
          await context.within(process.exited, "exited");
        }
        const writer = process.stdin.getWriter();
        writer.closed.catch(() => undefined);
        // Whether writing fails or is of no effect is the provider's choice; it has to settle.
        const written = [0, 1, 2, 3].map(() => outcomeOf(writer.write(new Uint8Array(megabyte))));
        await context.within(Promise.all(written), "writes to a process that does not read");
        await context.within(outcomeOf(writer.close()), "closing the input of a process that is gone");
        const exit = await context.within(process.exited, "exited after a broken pipe");
        expectEqual(exit, { code: 6, signal: null }, "The exit after a broken pipe");
        expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "The next process");
      }
    },
  },
  {
    id: "process.stdin-back-pressure",
    title: "makes the writer wait for a process that does not read",
    needs: "stdin",
    async run(context) {
      const sandbox = await context.create();
      const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "exec sleep 300"] });
      const writer = process.stdin.getWriter();
      writer.closed.catch(() => undefined);
      const limit = 64;
      let written = 0;
      let isStalled = false;
      while (!isStalled && written < limit) {
        const write = outcomeOf(writer.write(new Uint8Array(megabyte)));
        // Nothing happens at a stall that could be waited for.
        isStalled = await context.within(write, "a write", 500).then(
          () => false,
          () => true,
        );
        if (!isStalled) written += 1;
      }
      expectTrue(
        isStalled,
        `Expected writing to wait for a process that does not read, but ${limit} MB were taken.`,
      );
      await context.within(process.kill(), "kill()");
      await context.within(process.exited, "exited after kill()");
    },
  },
];

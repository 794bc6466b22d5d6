import type { Sandbox } from "modal";
import { expect, it } from "vitest";
import { ModalMachine } from "../../../../providers/modal/modal-machine.ts";
import { resolveModalOptions } from "../../../../providers/modal/modal-options.ts";
import { LostConnections } from "../../../../providers/modal/reach.ts";
import { crashesDuring } from "../../crashes.ts";

/** A sandbox whose connection is cut as soon as a command has been given to it. */
function cutSandbox(): Sandbox {
  const cut = new Error("The connection was cut.");
  const exec = async () => ({
    stdin: new WritableStream<Uint8Array>({
      close: async () => {
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        throw cut;
      },
    }),
    stdout: new ReadableStream<Uint8Array>({ start: (controller) => controller.error(cut) }),
    stderr: new ReadableStream<Uint8Array>({ start: (controller) => controller.error(cut) }),
    wait: () => Promise.reject(cut),
  });
  return { sandboxId: "sb-1", exec } as unknown as Sandbox;
}

it("a command whose connection is cut before its input has ended tells its caller, and nobody else", async () => {
  const connections = new LostConnections();
  const facts = { connections, settings: resolveModalOptions({}), labels: {}, env: {}, isOwn: false };
  const crashes = await crashesDuring(async () => {
    await expect(ModalMachine.prepare(cutSandbox(), facts)).rejects.toThrow("The connection was cut.");
  });
  expect(crashes).toEqual([]);
});

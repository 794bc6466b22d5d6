import { mainWords } from "../../src/kit.ts";
import type { PipedChild } from "./container-cli.ts";

/**
 * The program that is connected to a container's main process. When the host ends, however it ends, the program's input
 * ends, the main process's with it, and so the container.
 */
export class CliLifeline {
  readonly #child: PipedChild;
  #text = "";
  #errors = "";
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(child: PipedChild) {
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#wake();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4096);
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    child.child.once("error", end);
    child.child.once("close", end);
  }

  /** Resolves when the working directory is there. Rejects with what was said instead. */
  async ready(): Promise<void> {
    await this.#said(mainWords.ready);
    // A host that has nothing else to do may end, and the container with it.
    this.#setReferenced(false);
  }

  /** Makes the container live on for so long, and lets go of it. */
  async letGo(seconds: number): Promise<void> {
    this.#setReferenced(true);
    this.#child.stdin.write(`${String(seconds)}\n`);
    await this.#said(mainWords.detached);
    this.close();
  }

  close(): void {
    this.#ended = true;
    const { child, stdin, stdout, stderr } = this.#child;
    // A signal that it could hand on would reach the container.
    child.kill("SIGKILL");
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    this.#wake();
  }

  async #said(word: string): Promise<void> {
    while (!this.#text.split("\n").includes(word)) {
      if (this.#ended) {
        const words = `${this.#text.replace(mainWords.failed, "")}\n${this.#errors}`.trim();
        throw new Error(words || "The container's main process ended.");
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #setReferenced(referenced: boolean): void {
    const { child, stdin, stdout, stderr } = this.#child;
    const method = referenced ? "ref" : "unref";
    child[method]();
    for (const stream of [stdin, stdout, stderr]) {
      // They are sockets to Node, whatever their type says.
      const change: unknown = Reflect.get(stream, method);
      if (typeof change === "function") Reflect.apply(change, stream, []);
    }
  }
}

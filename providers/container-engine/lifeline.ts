import { Duplex } from "node:stream";
import type Dockerode from "dockerode";
import { mainWords } from "../../src/kit.ts";
import { FrameDecoder } from "./frame-decoder.ts";

/** To be called before the container is started, or the main process's first words are missed. */
export async function attachLifeline(container: Dockerode.Container): Promise<Lifeline> {
  const connection = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  });
  if (!(connection instanceof Duplex)) throw new Error("The engine gave no connection to the container.");
  return new Lifeline(connection);
}

/** The connection to a container's main process; while it stands, the container lives. */
export class Lifeline {
  readonly #connection: Duplex;
  #text = "";
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(connection: Duplex) {
    this.#connection = connection;
    const decoder = new FrameDecoder();
    connection.on("data", (chunk: Uint8Array) => {
      try {
        decoder.decode(chunk, (_source, payload) => {
          this.#text += Buffer.from(payload).toString();
        });
      } catch {
        connection.destroy();
      }
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    connection.on("end", end);
    connection.on("close", end);
    connection.on("error", end);
  }

  /** Resolves when the working directory is there. Rejects with what the main process said instead. */
  async ready(): Promise<void> {
    await this.#said(mainWords.ready);
    // A host that has nothing else to do may end, and the container with it.
    setReferenced(this.#connection, false);
  }

  /** Makes the container live on for so long, and closes the connection. */
  async letGo(seconds: number): Promise<void> {
    setReferenced(this.#connection, true);
    if (!this.#connection.destroyed) this.#connection.write(`${seconds}\n`);
    await this.#said(mainWords.detached);
    this.close();
  }

  close(): void {
    this.#ended = true;
    this.#connection.destroy();
    this.#wake();
  }

  async #said(word: string): Promise<void> {
    while (!this.#text.split("\n").includes(word)) {
      // A failure's own words may come after the word for it, and the process ends with them.
      if (this.#ended) {
        const words = this.#text.replace(mainWords.failed, "").trim();
        throw new Error(words || "The container's main process ended.");
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Sets whether a connection keeps the host's event loop going. */
function setReferenced(connection: Duplex, referenced: boolean): void {
  const change: unknown = Reflect.get(connection, referenced ? "ref" : "unref");
  if (typeof change === "function") Reflect.apply(change, connection, []);
}

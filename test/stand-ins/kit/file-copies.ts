import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The copies of folders that a service keeps, as snapshots for example; none is left once it has stopped. */
export class FileCopies {
  readonly #parent: string;
  readonly #copies = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  #isStopped = false;

  /** Default: among the temporary files. */
  constructor(parent: string = tmpdir()) {
    this.#parent = parent;
  }

  /** Resolves to the folder that holds the copy. */
  make(folder: string): Promise<string> {
    return this.#tracked(this.#make(folder));
  }

  /** Nothing there is no error. */
  remove(copy: string): Promise<void> {
    return this.#tracked(this.#remove(copy));
  }

  /** Removes all, with those that are being made, and makes no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled(this.#underWay);
    await Promise.all([...this.#copies].map((copy) => this.#remove(copy)));
  }

  async #make(folder: string): Promise<string> {
    this.#assertOpen();
    const copy = await mkdtemp(join(this.#parent, "stand-in-copy-"));
    this.#copies.add(copy);
    try {
      await copyFolder(folder, copy);
      this.#assertOpen();
      return copy;
    } catch (error) {
      await this.#remove(copy);
      throw error;
    }
  }

  async #remove(copy: string): Promise<void> {
    await rm(copy, { recursive: true, force: true, maxRetries: 3 });
    this.#copies.delete(copy);
  }

  async #tracked<Value>(work: Promise<Value>): Promise<Value> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #assertOpen(): void {
    if (this.#isStopped) throw new Error("The service has stopped.");
  }
}

/**
 * Copies the content of a folder into another one, links and modes as they are. By `cp`, which goes on with the rest when
 * a file vanishes under it, as files do where processes run.
 */
export async function copyFolder(from: string, to: string): Promise<void> {
  const complaints = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, LC_ALL: "C" };
    execFile("cp", ["-a", "--", `${from}/.`, to], { env }, (error, _stdout, stderr) => {
      if (error === null) resolve("");
      else if (stderr === "") reject(new Error(error.message, { cause: error }));
      else resolve(stderr.trim());
    });
  });
  const isVanished = (line: string): boolean => line.endsWith("No such file or directory");
  if (complaints === "" || (existsSync(from) && complaints.split("\n").every(isVanished))) return;
  throw new Error(complaints);
}

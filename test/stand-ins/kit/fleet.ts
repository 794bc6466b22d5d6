import { type MachineOptions, StandInMachine } from "./machines.ts";

/** The machines of a service; none is left once it has stopped, whatever was asked of it meanwhile. */
export class Fleet {
  readonly #machines = new Set<Promise<StandInMachine>>();
  #isStopped = false;

  async create(options: MachineOptions = {}): Promise<StandInMachine> {
    this.#assertOpen();
    const made = StandInMachine.create(options);
    this.#machines.add(made);
    const machine = await made;
    this.#assertOpen();
    return machine;
  }

  /** Destroys all, with those that are being made, and makes no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(
      [...this.#machines].map(async (made) => {
        const machine = await made.catch(() => undefined);
        await machine?.destroy();
      }),
    );
  }

  #assertOpen(): void {
    if (this.#isStopped) throw new Error("The service has stopped.");
  }
}

/** What is used of the `compute` of computesdk 4; that one fits, whatever vendors it was set up with. */
export interface Compute {
  readonly sandbox: {
    create(options?: ComputeCreateOptions): Promise<ComputeSandbox>;
    getById(sandboxId: string): Promise<ComputeSandbox | null>;
    list(): Promise<readonly ComputeSandbox[]>;
    destroy(sandboxId: string): Promise<void>;
  };
}

/** What `compute.sandbox.create` takes. */
export interface ComputeCreateOptions {
  readonly timeout?: number;
  // As the package itself has it: what a vendor takes is its own.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly metadata?: { [name: string]: any };
  readonly signal?: AbortSignal;
}

/** What `@computesdk/…` packages give for a sandbox. */
export interface ComputeSandbox {
  readonly sandboxId: string;
  runCommand(
    command: string,
    options?: { env?: { [name: string]: string }; timeout?: number },
  ): Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }>;
  getInfo(): Promise<{ readonly status: string; readonly createdAt: Date }>;
  getUrl(options: { port: number }): Promise<string>;
  destroy(): Promise<void>;
  readonly filesystem: {
    readFile(path: string): Promise<string>;
    writeFile(path: string, content: string): Promise<void>;
    remove(path: string): Promise<void>;
  };
}

import type {
  Command,
  Sandbox,
  SandboxFiles,
  SandboxProcess,
  SandboxProvider,
  SandboxSpec,
} from "playpen/kit";

/** Makes a provider that does one thing wrong out of one that does it right. */
export type Break = (provider: SandboxProvider) => SandboxProvider;

/** Stands for an object, with some of its members replaced. */
export function changed<Target extends object>(original: Target, changes: Partial<Target>): Target {
  return new Proxy(original, {
    get(target, name): unknown {
      if (Reflect.has(changes, name)) return Reflect.get(changes, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function"
        ? (...args: unknown[]) => Reflect.apply(value, target, args) as unknown
        : value;
    },
  });
}

export function breakProvider(change: (provider: SandboxProvider) => Partial<SandboxProvider>): Break {
  return (provider) => changed(provider, change(provider));
}

/** Changes each sandbox that is created or connected. */
export function breakSandbox(
  change: (sandbox: Sandbox, provider: SandboxProvider) => Partial<Sandbox>,
): Break {
  return breakProvider((provider) => {
    const broken = (sandbox: Sandbox): Sandbox => changed(sandbox, change(sandbox, provider));
    return {
      create: async (spec, options) => broken(await provider.create(spec, options)),
      connect: async (id, spec, options) => broken(await provider.connect(id, spec, options)),
    };
  });
}

export function breakSpec(change: (spec: SandboxSpec) => SandboxSpec): Break {
  return breakProvider((provider) => ({ create: (spec, options) => provider.create(change(spec), options) }));
}

export function breakCommand(
  change: (command: Command, sandbox: Sandbox) => Command | Promise<Command>,
): Break {
  return breakSandbox((sandbox) => ({
    spawn: async (command, options) => sandbox.spawn(await change(command, sandbox), options),
  }));
}

/** Changes each process that the sandbox's own users start; not those that its files start. */
export function breakProcess(
  change: (process: SandboxProcess, command: Command, sandbox: Sandbox) => Partial<SandboxProcess>,
): Break {
  return breakSandbox((sandbox) => ({
    spawn: async (command, options) => {
      const process = await sandbox.spawn(command, options);
      return changed(process, change(process, command, sandbox));
    },
  }));
}

export function breakFiles(change: (files: SandboxFiles, sandbox: Sandbox) => Partial<SandboxFiles>): Break {
  return breakSandbox((sandbox) => ({ files: changed(sandbox.files, change(sandbox.files, sandbox)) }));
}

/** Has a command run by a shell that gets the command as its parameters. */
export function throughShell(script: string, command: Command, ...first: readonly string[]): Command {
  return { ...command, argv: ["/bin/sh", "-c", script, "sh", ...first, ...command.argv] };
}

/** A stream that is handed on as `transform` has it. */
export function mapped(
  stream: ReadableStream<Uint8Array>,
  transform: (chunk: Uint8Array) => Uint8Array,
): ReadableStream<Uint8Array> {
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(transform(chunk)),
    }),
  );
}

/** What happens to bytes that are taken for text, chunk by chunk. */
export function asText(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(bytes));
}

/** Reads a whole stream before it hands on the first byte. */
export function hoarded(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let index = 0;
  const filled = (async () => {
    for await (const chunk of stream) chunks.push(chunk);
  })();
  return new ReadableStream(
    {
      async pull(controller) {
        await filled;
        const chunk = chunks[index++];
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

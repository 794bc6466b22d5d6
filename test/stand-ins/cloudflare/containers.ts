import { writeFile } from "node:fs/promises";
import { HttpError, type StandInRequest, StandInServer } from "../kit/http-server.ts";
import { StandInMachine } from "../kit/machines.ts";

/** Every command that a container was given. */
export interface GivenCommand {
  readonly id: string;
  readonly command: string;
  readonly env: { readonly [name: string]: string };
}

export interface Containers {
  readonly server: StandInServer;
  /** By the sandbox's id. */
  readonly machines: ReadonlyMap<string, StandInMachine>;
  readonly commands: readonly GivenCommand[];
  /** How many containers can run at a time; default: any number. */
  room: number;
  /** The next command fails in these words before it starts. */
  failNext(words: string): void;
  /** Has a container end as it does when its host is taken out of service: whoever asks for it next gets a new one. */
  evict(id: string): Promise<void>;
  stop(): Promise<void>;
}

/** What `@cloudflare/sandbox` reaches through a container's Durable Object, without the container. */
export async function startContainers(): Promise<Containers> {
  const machines = new Map<string, StandInMachine>();
  const starting = new Map<string, Promise<StandInMachine>>();
  const commands: GivenCommand[] = [];
  const state = { room: Number.POSITIVE_INFINITY };
  const failures: string[] = [];
  /** A container starts with the first thing that it is asked for, whatever its name is. */
  const machineOf = async (id: string): Promise<StandInMachine> => {
    const known = machines.get(id) ?? (await starting.get(id));
    if (known !== undefined) return known;
    if (machines.size + starting.size >= state.room) {
      throw new HttpError(503, "Maximum number of running container instances exceeded.");
    }
    const made = StandInMachine.create({ id });
    starting.set(id, made);
    const machine = await made;
    machines.set(id, machine);
    starting.delete(id);
    return machine;
  };
  const remove = async (id: string): Promise<void> => {
    await starting.get(id);
    const machine = machines.get(id);
    machines.delete(id);
    await machine?.destroy();
  };
  const server = new StandInServer()
    .route("POST", "/:id/exec", async (request) => {
      const { command, cwd, env = {}, timeout } = (await request.json()) as ExecBody;
      const id = request.parameters["id"] ?? "";
      commands.push({ id, command, env });
      const failure = failures.shift();
      if (failure !== undefined) throw new HttpError(500, failure);
      await stream(request, await machineOf(id), { command, cwd, env, timeout });
    })
    .route("POST", "/:id/write", async (request) => {
      const { path, content, encoding } = (await request.json()) as WriteBody;
      const machine = await machineOf(request.parameters["id"] ?? "");
      const bytes = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
      await writeFile(inFolder(machine, path), bytes);
      return { success: true, path, bytesWritten: bytes.length, timestamp: new Date().toISOString() };
    })
    .route("POST", "/:id/tunnels", async (request) => {
      const { method, args } = (await request.json()) as {
        readonly method: string;
        readonly args: unknown[];
      };
      const port = Number(args[0]);
      if (method !== "get" || port < 1024) throw new HttpError(400, `Port ${port} cannot be exposed.`);
      await machineOf(request.parameters["id"] ?? "");
      const hostname = `127.0.0.1:${port}`;
      return {
        id: `tunnel-${port}`,
        port,
        hostname,
        url: `http://${hostname}`,
        createdAt: new Date().toISOString(),
      };
    })
    .route("DELETE", "/:id/", async (request) => {
      await remove(request.parameters["id"] ?? "");
      return {};
    });
  await server.start();
  return {
    server,
    machines,
    commands,
    get room() {
      return state.room;
    },
    set room(count) {
      state.room = count;
    },
    failNext: (words) => {
      failures.push(words);
    },
    evict: remove,
    stop: async () => {
      await server.stop();
      await Promise.all([...machines.keys()].map(remove));
    },
  };
}

interface ExecBody {
  readonly command: string;
  readonly cwd?: string;
  readonly env?: { readonly [name: string]: string };
  readonly timeout?: number;
}

interface WriteBody {
  readonly path: string;
  readonly content: string;
  readonly encoding?: string;
}

/** The events of `execStream`. Output is text: what is no UTF-8 is lost, as it is there. */
async function stream(
  { response }: StandInRequest,
  machine: StandInMachine,
  {
    command,
    cwd,
    env = {},
    timeout,
  }: { [Name in keyof ExecBody]: ExecBody[Name] | undefined } & { command: string },
): Promise<void> {
  const process = await machine.spawn({
    argv: ["/bin/sh", "-c", inFolder(machine, command)],
    env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const timer = setTimeout(() => process.signal("SIGKILL", "group"), timeout ?? 2 ** 31 - 1);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (event: object): void => {
    const timestamp = new Date().toISOString();
    response.write(`data: ${JSON.stringify({ ...event, timestamp })}\n\n`);
  };
  send({ type: "start", command, pid: process.pid });
  const follow = async (type: "stdout" | "stderr"): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of process[type])
      send({ type, data: decoder.decode(chunk as Uint8Array, { stream: true }) });
  };
  const [{ code }] = await Promise.all([process.exited, follow("stdout"), follow("stderr")]);
  clearTimeout(timer);
  send({ type: "complete", exitCode: code ?? 137 });
  response.end();
}

/** All share the file system of this machine; what lies beside their folders is to end with them, too. */
function inFolder(machine: StandInMachine, text: string): string {
  return text.replaceAll("/tmp/.playpen-", `${machine.folder}/.playpen-`);
}

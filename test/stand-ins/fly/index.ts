/**
 * A stand-in for the Machines API of Fly.io, as described at https://fly.io/docs/machines/api and spoken by the vendor's
 * own client (https://github.com/superfly/fly-go): machines with metadata that can be changed, states and `wait`, `exec`
 * that runs to its end with a text for standard input, `suspend` and `start`, `auto_destroy`.
 *
 * Its traits: the main process is the machine's life; `exec` has no variables and no working directory; a command that
 * takes longer than its `timeout` is refused with 408; zero and empty fields are left out of its answers; nothing runs in
 * a suspended machine. What is not there: regions, images, networks, the limit on requests per second.
 */
import { randomBytes } from "node:crypto";
import { arrayField, booleanField, numberField, objectField, stringField } from "../../../src/kit/json.ts";
import { Answer, HttpError, type StandInRequest, StandInServer } from "../kit/http-server.ts";
import { StandInMachine } from "../kit/machines.ts";

interface FlyMachine {
  readonly id: string;
  readonly name: string;
  config: { readonly [name: string]: unknown };
  readonly machine: StandInMachine;
  state: string;
}

export interface FlyStandIn {
  readonly server: StandInServer;
  readonly url: string;
  readonly app: string;
  readonly token: string;
  readonly machines: ReadonlyMap<string, FlyMachine>;
  /** The bodies of all commands, but for the largest. */
  readonly commands: readonly unknown[];
  /** Whether the connection breaks before it has said that a machine was made; default `false`. */
  losesAnswers: boolean;
  /** Where the output of a command is cut; default: nowhere. */
  longestOutput: number;
  stop(): Promise<void>;
}

const longestKept = 16 * 1024;

export async function startFly(): Promise<FlyStandIn> {
  const [app, token] = ["stand-in-app", "stand-in-token"];
  const machines = new Map<string, FlyMachine>();
  const commands: unknown[] = [];
  const server = new StandInServer({
    errorBody: (_status, message) => ({ error: message }),
    guard: ({ headers, path }) => {
      if (headers.authorization !== `Bearer ${token}`) throw new HttpError(401, "unauthorized");
      if (!path.startsWith(`/v1/apps/${app}/`)) throw new HttpError(404, "app not found");
    },
  });
  const found = ({ parameters }: StandInRequest): FlyMachine => {
    const machine = machines.get(parameters["id"] ?? "");
    if (machine === undefined) throw new HttpError(404, "machine not found");
    return machine;
  };
  const destroy = async (each: FlyMachine): Promise<void> => {
    each.state = "destroyed";
    machines.delete(each.id);
    await each.machine.destroy();
  };

  server
    .route("POST", "/v1/apps/:app/machines", async (request) => {
      const body = await request.json();
      const config = objectField(body, "config");
      checkConfig(config);
      const id = randomBytes(7).toString("hex");
      const made: FlyMachine = {
        id,
        name: stringField(body, "name") ?? id,
        config,
        machine: await StandInMachine.create({ env: { FLY_MACHINE_ID: id } }),
        state: "created",
      };
      machines.set(id, made);
      void startMain(made, destroy);
      if (standIn.losesAnswers) {
        request.raw.socket.destroy();
        return undefined;
      }
      return describe(made);
    })
    .route("GET", "/v1/apps/:app/machines", ({ query }) =>
      [...machines.values()].filter((each) => hasMetadata(each, query)).map(describe),
    )
    .route("GET", "/v1/apps/:app/machines/:id", (request) => describe(found(request)))
    .route("DELETE", "/v1/apps/:app/machines/:id", async (request) => {
      if (request.query.get("force") !== "true") throw new HttpError(412, "machine is still running");
      await destroy(found(request));
      return { ok: true };
    })
    .route("GET", "/v1/apps/:app/machines/:id/wait", async (request) => {
      const each = found(request);
      const [state, timeout] = [request.query.get("state"), Number(request.query.get("timeout") ?? 60)];
      if (!(timeout >= 1 && timeout <= 60)) throw new HttpError(400, "invalid timeout");
      const deadline = performance.now() + timeout * 1000;
      while (each.state !== state) {
        if (performance.now() > deadline) throw new HttpError(408, "deadline_exceeded");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return { ok: true };
    })
    .route("POST", "/v1/apps/:app/machines/:id/suspend", async (request) => {
      const each = found(request);
      if (each.state !== "started") throw new HttpError(412, `machine is ${each.state}`);
      await each.machine.pause();
      each.state = "suspended";
      return { ok: true };
    })
    .route("POST", "/v1/apps/:app/machines/:id/start", async (request) => {
      const each = found(request);
      if (each.state === "suspended") await each.machine.resume();
      each.state = "started";
      return { previous_state: "suspended" };
    })
    .route("POST", "/v1/apps/:app/machines/:id/exec", async (request) => {
      const each = found(request);
      const body = await request.json();
      // What carries a large file would fill the memory.
      if (Number(request.headers["content-length"]) < longestKept) commands.push(body);
      return cutAt(standIn.longestOutput, await execute(each, body));
    })
    .route("POST", "/v1/apps/:app/machines/:id/metadata/:name", async (request) => {
      const each = found(request);
      const value = stringField(await request.json(), "value");
      if (value === undefined) throw new HttpError(400, "value is required");
      const metadata = { ...objectField(each.config, "metadata"), [request.parameters["name"] ?? ""]: value };
      each.config = { ...each.config, metadata };
      return new Answer(204);
    });

  await server.start();
  const standIn: FlyStandIn = {
    server,
    url: server.url,
    app,
    token,
    machines,
    commands,
    losesAnswers: false,
    longestOutput: Number.POSITIVE_INFINITY,
    stop: async () => {
      await server.stop();
      await Promise.all([...machines.values()].map(destroy));
    },
  };
  return standIn;
}

/** Its end is the machine's. */
async function startMain(each: FlyMachine, destroy: (each: FlyMachine) => Promise<void>): Promise<void> {
  const init = objectField(each.config, "init");
  const [program = "/bin/sh", ...rest] = texts(arrayField(init, "exec"));
  const main = await each.machine.spawn({ argv: [program, ...rest].map(inFolder(each)) as [string] });
  main.stdout.resume();
  main.stderr.resume();
  each.state = "started";
  await main.exited;
  if (each.state !== "destroyed" && booleanField(each.config, "auto_destroy") === true) await destroy(each);
}

/** All machines share the file system of this one; what lies beside their folders is to end with them, too. */
function inFolder(each: FlyMachine): (word: string) => string {
  return (word) => word.replaceAll("/tmp/.playpen-", `${each.machine.folder}/.playpen-`);
}

function cutAt<Result extends { readonly stdout?: string }>(length: number, result: Result): Result {
  const { stdout = "" } = result;
  return stdout.length > length ? { ...result, stdout: stdout.slice(0, length) } : result;
}

async function execute(each: FlyMachine, body: unknown): Promise<{ readonly stdout?: string }> {
  const argv = texts(arrayField(body, "command"));
  const timeout = numberField(body, "timeout") ?? 60;
  if (argv.length === 0) throw new HttpError(400, "command is required");
  if (each.state !== "started") throw new HttpError(412, `machine is ${each.state}`);
  const process = await each.machine.spawn({ argv: argv.map(inFolder(each)) as [string], stdin: "pipe" });
  process.stdin?.end(inFolder(each)(stringField(body, "stdin") ?? ""));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      process.signal("SIGKILL", "group");
      reject(new HttpError(408, "deadline_exceeded: the command took too long"));
    }, timeout * 1000);
  });
  const ended = Promise.all([textOf(process.stdout), textOf(process.stderr), process.exited]);
  ended.catch(() => undefined);
  try {
    const [stdout, stderr, { code, signal }] = await Promise.race([ended, late]);
    return {
      ...(code === null || code === 0 ? {} : { exit_code: code }),
      ...(signal === null ? {} : { exit_signal: signal === "SIGKILL" ? 9 : 15 }),
      ...(stdout === "" ? {} : { stdout }),
      ...(stderr === "" ? {} : { stderr }),
    };
  } finally {
    clearTimeout(timer);
  }
}

function checkConfig(config: unknown): void {
  const image = stringField(config, "image") ?? "";
  if (image === "") throw new HttpError(400, "config.image is required");
  if (image.includes("no-such-image")) throw new HttpError(400, "failed to get manifest: unknown image");
  const guest = objectField(config, "guest");
  const [cpus, memory] = [numberField(guest, "cpus") ?? 1, numberField(guest, "memory_mb") ?? 256];
  const isShared = stringField(guest, "cpu_kind") !== "performance";
  if (![1, 2, 4, 6, 8, 16].includes(cpus)) throw new HttpError(400, "invalid number of cpus");
  if (memory % 256 !== 0 || memory > cpus * (isShared ? 2048 : 8192)) {
    throw new HttpError(400, "invalid amount of memory");
  }
}

function describe({ id, name, state, config, machine }: FlyMachine): object {
  return { id, name, state, region: "fra", config, created_at: new Date(machine.createdAt).toISOString() };
}

function hasMetadata({ config }: FlyMachine, query: URLSearchParams): boolean {
  const metadata = objectField(config, "metadata");
  return [...query]
    .filter(([name]) => name.startsWith("metadata."))
    .every(([name, value]) => metadata[name.slice("metadata.".length)] === value);
}

function texts(values: readonly unknown[]): string[] {
  return values.filter((value): value is string => typeof value === "string");
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

/**
 * A stand-in for the service of Modal, as the package `modal` 0.11 speaks to it (gRPC; see also
 * https://modal.com/docs/guide/sandboxes): apps, images by name, sandboxes with tags, connect tokens
 * (https://modal.com/docs/guide/sandbox-networking), and the router of their commands, terminals and snapshots. The messages
 * are decoded by the package's own definitions.
 *
 * Its traits: a sandbox ends with its main command, and at its time-out, which cannot be put off; a command's output is
 * kept and can be read again from any offset; there is no signal for a command, and no other size for a terminal. What is
 * not there: image builds, secrets, volumes, tunnels, limits, networks that a policy closes; and the router is reached
 * without TLS, as the package does for a service on the loopback interface.
 */
import { arrayField, numberField, objectField, stringField } from "../../../src/kit/json.ts";
import { Faults } from "../kit/faults.ts";
import { Fleet } from "../kit/fleet.ts";
import type { StandInMachine } from "../kit/machines.ts";
import { Relay } from "../kit/relay.ts";
import {
  type GrpcServer,
  type Handler,
  type Message,
  codes,
  grpc,
  modalDefinitions,
  partOf,
} from "./grpc.ts";
import { ConnectProxy } from "./connect.ts";
import { Images } from "./images.ts";
import { routerHandlers } from "./router.ts";

export { missingImage } from "./images.ts";

export interface ModalStandIn {
  readonly url: string;
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** By id; finished ones are gone. */
  readonly sandboxes: ReadonlyMap<string, ModalStandInSandbox>;
  /** The names of all calls. */
  readonly calls: readonly string[];
  /** A fault's path is the name of the call, its status one of gRPC. */
  readonly faults: Faults;
  /** What every connection to the service goes through. */
  readonly relay: Relay;
  /** The ids of the images that snapshots were made into. */
  readonly snapshots: readonly string[];
  stop(): Promise<void>;
}

export interface ModalStandInSandbox {
  readonly id: string;
  readonly name: string;
  readonly appId: string;
  readonly machine: StandInMachine;
  readonly tags: readonly { readonly tagName: string; readonly tagValue: string }[];
  readonly createdAt: number;
  readonly timeoutSeconds: number;
  /** As it was set last. */
  network: unknown;
  end(exitCode: number): Promise<void>;
}

const longestLifeSeconds = 86_400;

export async function startModal(): Promise<ModalStandIn> {
  const service = new StandInModal();
  await service.start();
  return service;
}

class StandInModal implements ModalStandIn {
  readonly tokenId = "ak-stand-in";
  readonly tokenSecret = "as-stand-in";
  readonly sandboxes = new Map<string, ModalStandInSandbox>();
  readonly calls: string[] = [];
  readonly faults = new Faults();
  readonly #finished = new Map<string, number>();
  readonly #images = new Images();
  readonly #fleet = new Fleet();
  readonly #proxy = new ConnectProxy((id) => this.sandboxes.has(id));
  readonly #apps = new Map<string, string>();
  readonly #stopped = new AbortController();
  #server: GrpcServer | undefined;
  #relay: Relay | undefined;
  #count = 0;

  get url(): string {
    return `http://127.0.0.1:${this.relay.port}`;
  }

  get relay(): Relay {
    if (this.#relay === undefined) throw new Error("The service is not started yet.");
    return this.#relay;
  }

  get snapshots(): readonly string[] {
    return this.#images.snapshots;
  }

  async start(): Promise<void> {
    await this.#proxy.start();
    const [control, router] = await modalDefinitions();
    const { calls, faults, tokenId, tokenSecret } = this;
    const stopped = this.#stopped.signal;
    const server = grpc.createServer().use(async function* (call, context) {
      const name = call.method.path.slice(call.method.path.lastIndexOf("/") + 1);
      calls.push(name);
      const fault = faults.take({ method: "CALL", path: name });
      if (fault?.kind === "status")
        throw new grpc.ServerError(fault.status, "A fault that the test asked for.");
      if (fault !== undefined) {
        await new Promise((resolve) => {
          stopped.addEventListener("abort", resolve);
          context.signal.addEventListener("abort", resolve);
        });
        throw new grpc.ServerError(codes.unavailable, "Nobody waits for an answer any more.");
      }
      const isRouter = call.method.path.includes("TaskCommandRouter");
      const isKnown = isRouter
        ? context.metadata.get("authorization")?.startsWith("Bearer ") === true
        : context.metadata.get("x-modal-token-id") === tokenId &&
          context.metadata.get("x-modal-token-secret") === tokenSecret;
      if (!isKnown) throw new grpc.ServerError(codes.unauthenticated, "Token ID or secret is wrong.");
      return yield* call.next(call.request, context);
    });
    const own = this.#handlers();
    server.add(partOf(control, own), own);
    const ofTask = (id: string): ModalStandInSandbox => this.#found(id.replace(/^ta-/, "sb-"));
    const commands = routerHandlers({
      machineOf: (id) => ofTask(id).machine,
      snapshot: (machine, request) => this.#images.snapshot(machine, request),
      setNetwork: (id, network) => {
        ofTask(id).network = network;
      },
    });
    server.add(partOf(router, commands), commands);
    this.#relay = await new Relay({ port: await server.listen("127.0.0.1:0") }).start();
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.sandboxes.values()].map((sandbox) => sandbox.end(137)));
    this.#server?.forceShutdown();
    await this.#relay?.stop();
    await this.#fleet.stop();
    await this.#proxy.stop();
    await this.#images.stop();
  }

  #handlers(): { readonly [name: string]: Handler } {
    return {
      ...environmentHandlers,
      ...this.#images.handlers(),
      appGetOrCreate: (request) => {
        const name = stringField(request, "appName") ?? "";
        if (!this.#apps.has(name)) {
          if (numberField(request, "objectCreationType") !== 1) {
            throw new grpc.ServerError(codes.notFound, `App '${name}' not found`);
          }
          this.#apps.set(name, `ap-${++this.#count}`);
        }
        return Promise.resolve({ appId: this.#apps.get(name) });
      },
      sandboxCreateV2: (request) => this.#create(request),
      sandboxGetTaskIdV2: (request) => {
        const { id } = this.#found(stringField(request, "sandboxId") ?? "");
        return Promise.resolve({ taskId: taskOf(id) });
      },
      sandboxGetCommandRouterAccess: () =>
        Promise.resolve({ jwt: token(), url: this.url.replace("http:", "https:") }),
      sandboxWaitV2: async (request) => {
        const id = stringField(request, "sandboxId") ?? "";
        const seconds = numberField(request, "timeout") ?? 0;
        const end = Date.now() + seconds * 1000;
        while (this.sandboxes.has(id) && !this.#finished.has(id) && Date.now() < end)
          await new Promise((resolve) => setTimeout(resolve, 20));
        const exitcode = this.#finished.get(id);
        if (exitcode !== undefined) return { result: { status: exitcode === 0 ? 1 : 2, exitcode } };
        this.#found(id);
        return {};
      },
      sandboxTerminateV2: async (request) => {
        const id = stringField(request, "sandboxId") ?? "";
        if (!this.sandboxes.has(id) && this.#finished.has(id)) return {};
        await this.#found(id).end(137);
        return {};
      },
      sandboxTagsGetV2: (request) => {
        const { tags } = this.#found(stringField(request, "sandboxId") ?? "");
        return Promise.resolve({ tags });
      },
      sandboxGetFromNameV2: (request) => {
        const name = stringField(request, "sandboxName");
        const sandbox = [...this.sandboxes.values()].find((each) => each.name === name);
        if (sandbox === undefined) throw new grpc.ServerError(codes.notFound, "There is no such sandbox.");
        return Promise.resolve({ sandboxId: sandbox.id });
      },
      sandboxCreateConnectTokenV2: (request) => {
        this.#found(stringField(request, "sandboxId") ?? "");
        return Promise.resolve(this.#proxy.token(request));
      },
      sandboxListV2: (request) => Promise.resolve(this.#list(request)),
    };
  }

  async #create(request: Message): Promise<Message> {
    const definition = objectField(request, "definition");
    const name = stringField(definition, "name") ?? "";
    const timeoutSeconds = numberField(definition, "timeoutSecs") ?? 300;
    if (timeoutSeconds > longestLifeSeconds) {
      throw new grpc.ServerError(codes.invalidArgument, "The timeout must be at most 24 hours.");
    }
    for (const tag of arrayField(request, "tags")) {
      for (const field of ["tagName", "tagValue"]) {
        if (!/^[A-Za-z0-9._-]*$/.test(stringField(tag, field) ?? "")) {
          throw new grpc.ServerError(codes.invalidArgument, `Invalid tag: ${JSON.stringify(tag)}`);
        }
      }
    }
    if (name !== "" && [...this.sandboxes.values()].some((each) => each.name === name)) {
      throw new grpc.ServerError(codes.alreadyExists, `Sandbox ${name} already exists.`);
    }
    const id = `sb-${String(++this.#count).padStart(26, "0")}`;
    const files = this.#images.filesOf(stringField(definition, "imageId") ?? "");
    const machine = await this.#fleet.create({ id, ...(files === undefined ? {} : { files }) });
    const [program = "sleep", ...args] = arrayField(definition, "entrypointArgs").map(String);
    const env = { TMPDIR: machine.folder };
    const main = await machine.spawn({ argv: [program, ...args], env });
    for (const stream of [main.stdout, main.stderr]) stream.resume();
    let ending: Promise<void> | undefined;
    const sandbox: ModalStandInSandbox = {
      ...{ id, name, machine, timeoutSeconds },
      network: undefined,
      appId: stringField(request, "appId") ?? "",
      tags: arrayField(request, "tags").map((tag) => ({
        tagName: stringField(tag, "tagName") ?? "",
        tagValue: stringField(tag, "tagValue") ?? "",
      })),
      createdAt: Date.now() / 1000,
      end: (exitCode) => {
        if (!this.#finished.has(id)) this.#finished.set(id, exitCode);
        ending ??= machine.destroy().then(() => {
          this.sandboxes.delete(id);
        });
        return ending;
      },
    };
    this.sandboxes.set(id, sandbox);
    void main.exited.then(({ code }) => sandbox.end(code ?? 137));
    machine.setTimeToLive(timeoutSeconds * 1000, () => sandbox.end(124));
    return {
      sandboxId: id,
      taskId: taskOf(id),
      commandRouterAccess: { jwt: token(), url: this.url.replace("http:", "https:") },
    };
  }

  #list(request: Message): Message {
    const before = numberField(request, "beforeTimestamp") ?? 0;
    const wanted = arrayField(request, "tags");
    const appId = stringField(request, "appId") ?? "";
    const matching = [...this.sandboxes.values()]
      .filter(({ id }) => !this.#finished.has(id))
      .filter((sandbox) => appId === "" || sandbox.appId === appId)
      .filter((sandbox) => before === 0 || sandbox.createdAt < before)
      .filter(({ tags }) =>
        wanted.every((tag) =>
          tags.some(
            ({ tagName, tagValue }) =>
              tagName === stringField(tag, "tagName") && tagValue === stringField(tag, "tagValue"),
          ),
        ),
      )
      .sort((one, other) => other.createdAt - one.createdAt);
    return { sandboxes: matching.map(({ id, createdAt, tags }) => ({ id, createdAt, tags })) };
  }

  #found(id: string): ModalStandInSandbox {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) throw new grpc.ServerError(codes.notFound, `Sandbox ${id} not found.`);
    return sandbox;
  }
}

function taskOf(id: string): string {
  return id.replace(/^sb-/, "ta-");
}

const environmentHandlers: { readonly [name: string]: Handler } = {
  environmentGetOrCreate: () =>
    Promise.resolve({
      environmentId: "en-1",
      metadata: { name: "main", settings: { imageBuilderVersion: "2025.06", webhookSuffix: "" } },
    }),
  authTokenGet: () => Promise.resolve({ token: token() }),
};

/** A token whose time is over in an hour; nobody looks at its signature. */
function token(): string {
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${encoded({ alg: "none" })}.${encoded({ exp: Math.floor(Date.now() / 1000) + 3600 })}.signature`;
}

/**
 * E2B's cloud as its official SDK sees it: the REST API (https://e2b.dev/docs/api-reference) and the proxy to envd, the
 * daemon in each sandbox, which speaks the Connect protocol (https://connectrpc.com/docs/protocol) with JSON. Sandboxes
 * are folders with real processes of this machine.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { isJsonObject, numberField, objectField, stringField } from "playpen/kit";
import { FileCopies } from "../kit/file-copies.ts";
import { Fleet } from "../kit/fleet.ts";
import { Answer, HttpError, type StandInRequest, StandInServer } from "../kit/http-server.ts";
import { passOn } from "../kit/pass-on.ts";
import type { StandInMachine } from "../kit/machines.ts";
import { Envd } from "./envd.ts";

const envdPort = "49983";
const longestTimeoutSeconds = 86_400;

interface Box {
  readonly machine: StandInMachine;
  readonly envd: Envd;
  readonly metadata: { readonly [name: string]: string };
  readonly template: string;
  readonly accessToken: string;
  network: unknown;
}

interface Kept {
  readonly id: string;
  readonly names: readonly string[];
  readonly files: string;
}

export interface StandInE2bOptions {
  /** Sandboxes on one page of a list; default 100. */
  readonly pageSize?: number;
}

/** Gives `e2b()` its options: `e2b({ ...cloud.options })`. */
export class StandInE2b {
  readonly apiKey = `e2b_${randomBytes(20).toString("hex")}`;
  readonly api: StandInServer;
  readonly proxy: StandInServer;
  readonly #boxes = new Map<string, Box>();
  readonly #snapshots = new Map<string, Kept>();
  readonly #copies = new FileCopies();
  readonly #fleet = new Fleet();
  readonly #pageSize: number;

  constructor({ pageSize = 100 }: StandInE2bOptions = {}) {
    this.#pageSize = pageSize;
    this.api = new StandInServer({
      errorBody: (code, message) => ({ code, message }),
      guard: ({ headers }) => {
        if (headers["x-api-key"] !== this.apiKey) throw new HttpError(401, "Invalid API key");
      },
    })
      .route("POST", "/v2/sandboxes", (request) => this.#create(request))
      .route("GET", "/v2/sandboxes", (request) => this.#list(request))
      .route("POST", "/v2/sandboxes/:id/connect", (request) => this.#connect(request))
      .route("GET", "/sandboxes/:id", (request) => this.#infoOf(this.#boxOf(request)))
      .route("DELETE", "/sandboxes/:id", (request) => this.#remove(request))
      .route("POST", "/sandboxes/:id/timeout", (request) => this.#setTimeout(request))
      .route("POST", "/sandboxes/:id/pause", (request) => this.#pause(request))
      .route("PUT", "/sandboxes/:id/network", (request) => this.#setNetwork(request))
      .route("GET", "/sandboxes/:id/metrics", (request) => metricsOf(this.#boxOf(request)))
      .route("POST", "/sandboxes/:id/snapshots", (request) => this.#snapshot(request))
      .route("GET", "/snapshots", (request) => this.#listSnapshots(request))
      .route("DELETE", "/templates/:id", (request) => this.#removeSnapshot(request));
    this.proxy = new StandInServer({ errorBody: (code, message) => ({ code, message }) }).route(
      "*",
      "*path",
      (request) => this.#forward(request),
    );
  }

  async start(): Promise<this> {
    await this.api.start();
    await this.proxy.start();
    return this;
  }

  get options(): { readonly apiKey: string; readonly apiUrl: string; readonly sandboxUrl: string } {
    return { apiKey: this.apiKey, apiUrl: this.api.url, sandboxUrl: this.proxy.url };
  }

  /** The ids of the sandboxes that there are. */
  get ids(): readonly string[] {
    return [...this.#boxes.keys()];
  }

  machine(id: string): StandInMachine | undefined {
    return this.#boxes.get(id)?.machine;
  }

  networkOf(id: string): unknown {
    return this.#boxes.get(id)?.network;
  }

  async stop(): Promise<void> {
    await this.#fleet.stop();
    await this.api.stop();
    await this.proxy.stop();
    await this.#copies.stop();
  }

  async #create(request: StandInRequest): Promise<Answer> {
    const body = await request.json();
    const template = stringField(body, "templateID") ?? "";
    const snapshot = this.#snapshotBy(template);
    if (template !== "base" && snapshot === undefined) {
      throw new HttpError(404, `template '${template}' not found`);
    }
    const seconds = timeoutOf(body);
    const id = `i${randomBytes(10).toString("hex")}`;
    const machine = await this.#fleet.create({
      id,
      env: { E2B_SANDBOX: "true", E2B_SANDBOX_ID: id },
      ...(snapshot === undefined ? {} : { files: snapshot.files }),
    });
    const metadata = objectField(body, "metadata");
    const box: Box = {
      machine,
      envd: new Envd(machine),
      metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, String(text)])),
      template,
      accessToken: randomUUID(),
      network: objectField(body, "network"),
    };
    this.#boxes.set(id, box);
    this.#live(box, seconds);
    return new Answer(201, connectionOf(box));
  }

  #live({ machine }: Box, seconds: number): void {
    machine.setTimeToLive(seconds * 1000, () => this.#end(machine.id));
  }

  async #end(id: string): Promise<void> {
    const box = this.#boxes.get(id);
    this.#boxes.delete(id);
    box?.envd.cut();
    await box?.machine.destroy();
  }

  #boxOf({ parameters }: StandInRequest): Box {
    const { id = "" } = parameters;
    const box = this.#boxes.get(id);
    if (box === undefined)
      throw new HttpError(404, `Sandbox "${id}" doesn't exist or you don't have access to it`);
    return box;
  }

  #infoOf({ machine, metadata, template }: Box): object {
    return {
      sandboxID: machine.id,
      templateID: template,
      clientID: "stand-in",
      metadata,
      startedAt: new Date(machine.createdAt).toISOString(),
      endAt: new Date(machine.endsAt ?? machine.createdAt).toISOString(),
      state: machine.isPaused ? "paused" : "running",
      cpuCount: 2,
      memoryMB: 512,
      diskSizeMB: 1024,
      envdVersion,
    };
  }

  #list({ query }: StandInRequest): Answer {
    const wanted = new URLSearchParams(query.get("metadata") ?? "");
    const states = query.get("state")?.split(",") ?? ["running", "paused"];
    const all = [...this.#boxes.values()]
      .filter(({ machine }) => states.includes(machine.isPaused ? "paused" : "running"))
      .filter(({ metadata }) =>
        [...wanted].every(
          ([name, value]) => metadata[decodeURIComponent(name)] === decodeURIComponent(value),
        ),
      );
    const from = Number(query.get("nextToken") ?? 0);
    const size = Math.min(Number(query.get("limit") ?? this.#pageSize), this.#pageSize);
    const page = all.slice(from, from + size).map((box) => this.#infoOf(box));
    const next = from + size < all.length ? { "x-next-token": String(from + size) } : {};
    return new Answer(200, page, next);
  }

  async #connect(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    const seconds = timeoutOf(await request.json());
    const { machine } = box;
    const left = machine.endsAt === undefined ? 0 : machine.endsAt - Date.now();
    if (machine.isPaused) await machine.resume();
    if (left < seconds * 1000) this.#live(box, seconds);
    return connectionOf(box);
  }

  async #remove(request: StandInRequest): Promise<Answer> {
    await this.#end(this.#boxOf(request).machine.id);
    return new Answer(204);
  }

  async #setTimeout(request: StandInRequest): Promise<Answer> {
    const box = this.#boxOf(request);
    const seconds = timeoutOf(await request.json());
    if (box.machine.isPaused) throw new HttpError(404, "The sandbox is paused");
    this.#live(box, seconds);
    return new Answer(204);
  }

  async #pause(request: StandInRequest): Promise<Answer> {
    const { machine, envd } = this.#boxOf(request);
    if (machine.isPaused) throw new HttpError(409, `Sandbox ${machine.id} is already paused`);
    await machine.pause();
    machine.setTimeToLive(undefined);
    envd.cut();
    return new Answer(204);
  }

  async #setNetwork(request: StandInRequest): Promise<Answer> {
    this.#boxOf(request).network = await request.json();
    return new Answer(204);
  }

  async #snapshot(request: StandInRequest): Promise<Answer> {
    const { machine } = this.#boxOf(request);
    const name = stringField(await request.json(), "name");
    const full = name === undefined ? undefined : `stand-in/${name}:default`;
    const files = await this.#copies.make(machine.folder);
    // Another of the same name may have been made meanwhile.
    const old = full === undefined ? undefined : this.#snapshotBy(full);
    const kept: Kept = {
      id: old?.id ?? `${randomBytes(10).toString("hex")}:default`,
      names: full === undefined ? [] : [full],
      files,
    };
    this.#snapshots.set(kept.id, kept);
    if (old !== undefined) await this.#copies.remove(old.files);
    return new Answer(201, { snapshotID: kept.id, names: kept.names });
  }

  #snapshotBy(name: string): Kept | undefined {
    return [...this.#snapshots.values()].find(({ id, names }) => id === name || names.includes(name));
  }

  #listSnapshots({ query }: StandInRequest): object {
    const name = query.get("name");
    return [...this.#snapshots.values()]
      .filter(({ names }) => name === null || names.includes(`stand-in/${name}:default`))
      .map(({ id, names }) => ({ snapshotID: id, names }));
  }

  async #removeSnapshot({ parameters }: StandInRequest): Promise<Answer> {
    const kept = this.#snapshotBy(parameters["id"] ?? "");
    if (kept === undefined) throw new HttpError(404, "template not found");
    this.#snapshots.delete(kept.id);
    await this.#copies.remove(kept.files);
    return new Answer(204);
  }

  async #forward(request: StandInRequest): Promise<unknown> {
    const { headers } = request;
    const box = this.#boxes.get(String(headers["e2b-sandbox-id"]));
    if (box === undefined || box.machine.isPaused) throw new HttpError(502, "The sandbox was not found");
    const port = String(headers["e2b-sandbox-port"]);
    if (port !== envdPort) {
      passOn(request, port);
      return undefined;
    }
    if (request.path !== "/health" && headers["x-access-token"] !== box.accessToken) {
      throw new HttpError(401, "no access token");
    }
    return box.envd.answer(request);
  }
}

const envdVersion = "0.6.4";

function connectionOf({ machine, template, accessToken }: Box): object {
  return {
    sandboxID: machine.id,
    templateID: template,
    clientID: "stand-in",
    envdVersion,
    envdAccessToken: accessToken,
    domain: null,
  };
}

function timeoutOf(body: unknown): number {
  const seconds = numberField(body, "timeout") ?? 300;
  if (!isJsonObject(body) || seconds < 0 || seconds > longestTimeoutSeconds) {
    throw new HttpError(400, `Timeout cannot be greater than ${longestTimeoutSeconds / 3600} hours`);
  }
  return seconds;
}

function metricsOf({ machine }: Box): object {
  return [
    {
      timestamp: new Date().toISOString(),
      timestampUnix: Math.floor(Date.now() / 1000),
      cpuCount: 2,
      cpuUsedPct: 12.5,
      memUsed: 100 * 2 ** 20,
      memTotal: 512 * 2 ** 20,
      memCache: 0,
      diskUsed: 2 ** 20,
      diskTotal: 2 ** 30,
      sandboxID: machine.id,
    },
  ];
}

/**
 * Daytona's cloud as its official SDK sees it: the API (https://www.daytona.io/docs/en/tools/api) and the toolbox, the
 * daemon in each sandbox, behind the proxy. Sandboxes are folders with real processes of this machine; terminals are
 * shells on real pseudo-terminals, snapshots and forks copy the files. What a fork has of the first beside them is not
 * documented: here it is nothing, as with a sandbox for which nothing was asked. What is not there: networks that a policy
 * closes, and the difference of containers and virtual machines, of which the vendor pauses the latter only.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { numberField, objectField, parseJson, stringField } from "playpen/kit";
import { Fleet } from "../kit/fleet.ts";
import { Answer, HttpError, type StandInRequest, StandInServer } from "../kit/http-server.ts";
import { passOn } from "../kit/pass-on.ts";
import { Snapshots } from "./snapshots.ts";
import { Terminals } from "./terminals.ts";
import type { StandInMachine } from "../kit/machines.ts";
import { fieldsOf, labelsIn, wordsOf } from "./bodies.ts";

interface Box {
  readonly machine: StandInMachine;
  readonly name: string;
  labels: { readonly [name: string]: string };
  autoDelete: number;
  isSnapshotting: boolean;
  autoStop: number;
  network: unknown;
  idle: NodeJS.Timeout | undefined;
}

export interface StandInDaytonaOptions {
  /** How long a minute of the vendor's takes; default 60,000. */
  readonly minuteMs?: number;
  /** Sandboxes on one page of a list; default 100. */
  readonly pageSize?: number;
  /**
   * How the daemon takes a command: by a shell (default), or cut into words by quotes without escapes, as earlier
   * versions did.
   */
  readonly commands?: "shell" | "words";
}

/** Gives `daytona()` its options: `daytona({ ...cloud.options })`. */
export class StandInDaytona {
  readonly apiKey = `dtn_${randomBytes(20).toString("hex")}`;
  readonly api: StandInServer;
  readonly toolbox: StandInServer;
  readonly #boxes = new Map<string, Box>();
  readonly #snapshots = new Snapshots();
  readonly #fleet = new Fleet();
  readonly #terminals = new Terminals();
  readonly #options: StandInDaytonaOptions;

  constructor(options: StandInDaytonaOptions = {}) {
    this.#options = options;
    const guard = ({ headers }: StandInRequest): void => {
      if (headers.authorization !== `Bearer ${this.apiKey}`) throw new HttpError(401, "Unauthorized");
    };
    const errorBody = (statusCode: number, message: string): object => ({ statusCode, message });
    this.api = this.#snapshots
      .route(new StandInServer({ errorBody, guard }))
      .route("POST", "/sandbox", (request) => this.#create(request))
      .route("GET", "/sandbox", (request) => this.#list(request))
      .route("GET", "/sandbox/:id", (request) => this.#infoOf(this.#boxOf(request)))
      .route("DELETE", "/sandbox/:id", (request) => this.#remove(request))
      .route("POST", "/sandbox/:id/pause", (request) => this.#pause(request))
      .route("POST", "/sandbox/:id/start", (request) => this.#resume(request))
      .route("POST", "/sandbox/:id/last-activity", (request) => {
        this.#used(this.#boxOf(request));
        return new Answer(201);
      })
      .route("POST", "/sandbox/:id/ttl/:minutes", (request) => this.#setTtl(request))
      .route("POST", "/sandbox/:id/autostop/:minutes", (request) => this.#setAutoStop(request))
      .route("POST", "/sandbox/:id/autodelete/:minutes", (request) => {
        const box = this.#boxOf(request);
        box.autoDelete = Number(request.parameters["minutes"]);
        return this.#infoOf(box);
      })
      .route("PUT", "/sandbox/:id/labels", async (request) => {
        const box = this.#boxOf(request);
        box.labels = labelsIn(await request.json());
        return { labels: box.labels };
      })
      .route("POST", "/sandbox/:id/snapshot", (request) => this.#snapshot(request))
      .route("POST", "/sandbox/:id/fork", (request) => this.#fork(request))
      .route("POST", "/sandbox/:id/network-settings", (request) => this.#setNetwork(request))
      .route("GET", "/sandbox/:id/ports/:port/preview-url", (request) => this.#preview(request));
    this.toolbox = new StandInServer({ errorBody })
      .route("POST", "/toolbox/:id/process/execute", (request) => {
        guard(request);
        return this.#execute(request);
      })
      .route("POST", "/toolbox/:id/files/bulk-upload", (request) => {
        guard(request);
        return this.#upload(request);
      })
      .route("GET", "/toolbox/:id/system/metrics", (request) => {
        guard(request);
        this.#boxOf(request);
        return metrics;
      })
      .route("POST", "/toolbox/:id/process/pty/:session/resize", async (request) => {
        guard(request);
        this.#boxOf(request);
        return this.#terminals.resize(request.parameters["session"] ?? "", await request.json());
      })
      .route("DELETE", "/toolbox/:id/process/pty/:session", (request) => {
        guard(request);
        this.#boxOf(request);
        return this.#terminals.end(request.parameters["session"] ?? "");
      })
      .route("*", "*path", (request) => this.#passOn(request))
      .upgrade("/toolbox/:id/process/pty/create-connect", ({ parameters, headers, raw }, socket, head) => {
        const box = this.#boxes.get(parameters["id"] ?? "");
        if (headers.authorization === `Bearer ${this.apiKey}` && box?.machine.isPaused === false) {
          this.#used(box);
          this.#terminals.take(box.machine, raw, socket, head);
        } else {
          socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
      });
  }

  async start(): Promise<this> {
    await this.api.start();
    await this.toolbox.start();
    return this;
  }

  get options(): { readonly apiKey: string; readonly apiUrl: string } {
    return { apiKey: this.apiKey, apiUrl: this.api.url };
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

  /** The names of the snapshots that there are. */
  get snapshots(): readonly string[] {
    return this.#snapshots.names;
  }

  async stop(): Promise<void> {
    for (const box of this.#boxes.values()) clearTimeout(box.idle);
    await this.#fleet.stop();
    await this.api.stop();
    await this.toolbox.stop();
    this.#terminals.stop();
    await this.#snapshots.stop();
  }

  get #minuteMs(): number {
    return this.#options.minuteMs ?? 60_000;
  }

  async #create(request: StandInRequest): Promise<object> {
    const body = await request.json();
    const snapshot = stringField(body, "snapshot");
    const files =
      snapshot === undefined || snapshot === "prepared" ? undefined : this.#snapshots.filesOf(snapshot);
    const cpu = numberField(body, "cpu") ?? 1;
    if (cpu > 16) throw new HttpError(400, `CPU request ${cpu} exceeds maximum allowed per sandbox (16)`);
    const box = await this.#make(body, files);
    const ttl = numberField(body, "ttlMinutes") ?? 0;
    if (ttl > 0) box.machine.setTimeToLive(ttl * this.#minuteMs, () => this.#end(box));
    return this.#infoOf(box);
  }

  async #make(body: unknown, files: string | undefined): Promise<Box> {
    const id = randomUUID();
    const env = { DAYTONA_SANDBOX_ID: id };
    const machine = await this.#fleet.create({ id, env, ...(files === undefined ? {} : { files }) });
    const box: Box = {
      machine,
      name: stringField(body, "name") ?? id,
      labels: labelsIn(body),
      autoStop: numberField(body, "autoStopInterval") ?? 15,
      autoDelete: numberField(body, "autoDeleteInterval") ?? -1,
      isSnapshotting: false,
      network: undefined,
      idle: undefined,
    };
    this.#boxes.set(id, box);
    this.#used(box);
    return box;
  }

  async #snapshot(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    if (box.machine.isPaused || box.isSnapshotting) throw new HttpError(400, "Sandbox is not started");
    const made = this.#snapshots.begin(box.machine, stringField(await request.json(), "name") ?? "");
    box.isSnapshotting = true;
    void made.finally(() => {
      box.isSnapshotting = false;
    });
    return this.#infoOf(box);
  }

  async #fork(request: StandInRequest): Promise<object> {
    const { machine } = this.#boxOf(request);
    if (machine.isPaused) throw new HttpError(400, "Sandbox is not started");
    const name = stringField(await request.json(), "name");
    const { copies } = this.#snapshots;
    const files = await copies.make(machine.folder);
    try {
      return this.#infoOf(await this.#make({ ...(name === undefined ? {} : { name }) }, files));
    } finally {
      await copies.remove(files);
    }
  }

  /** Puts off the stop of a sandbox that nobody uses. */
  #used(box: Box): void {
    clearTimeout(box.idle);
    box.idle = undefined;
    if (box.autoStop === 0 || box.machine.isPaused) return;
    box.idle = setTimeout(() => void this.#end(box), box.autoStop * this.#minuteMs);
    box.idle.unref();
  }

  async #end(box: Box): Promise<void> {
    clearTimeout(box.idle);
    // Only such as are deleted when they are stopped are needed here.
    if (box.autoDelete === 0 || box.machine.endsAt !== undefined) this.#boxes.delete(box.machine.id);
    await box.machine.destroy();
  }

  #boxOf({ parameters }: StandInRequest): Box {
    const { id = "" } = parameters;
    const box = this.#boxes.get(id) ?? [...this.#boxes.values()].find(({ name }) => name === id);
    if (box === undefined) throw new HttpError(404, `Sandbox with ID ${id} not found`);
    return box;
  }

  #infoOf({ machine, name, labels, autoStop, autoDelete, isSnapshotting }: Box): object {
    return {
      id: machine.id,
      name,
      organizationId: "stand-in",
      user: "daytona",
      env: {},
      labels,
      public: false,
      target: "stand-in",
      cpu: 1,
      gpu: 0,
      memory: 1,
      disk: 3,
      state: isSnapshotting ? "snapshotting" : machine.isPaused ? "paused" : "started",
      autoStopInterval: autoStop,
      autoDeleteInterval: autoDelete,
      createdAt: new Date(machine.createdAt).toISOString(),
      networkBlockAll: false,
      toolboxProxyUrl: `${this.toolbox.url}/toolbox`,
    };
  }

  #list({ query }: StandInRequest): object {
    const wanted = Object.entries(objectField({ labels: parseJson(query.get("labels") ?? "{}") }, "labels"));
    const all = [...this.#boxes.values()].filter(({ labels }) =>
      wanted.every(([name, value]) => labels[name] === value),
    );
    const from = Number(query.get("cursor") ?? 0);
    const size = Math.min(Number(query.get("limit") ?? 100), this.#options.pageSize ?? 100);
    const items = all.slice(from, from + size).map((box) => this.#infoOf(box));
    return { items, nextCursor: from + size < all.length ? String(from + size) : null };
  }

  async #remove(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    this.#boxes.delete(box.machine.id);
    clearTimeout(box.idle);
    await box.machine.destroy();
    return { ...this.#infoOf(box), state: "destroyed" };
  }

  async #pause(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    if (box.machine.isPaused) throw new HttpError(400, "Sandbox is not started");
    await box.machine.pause();
    this.#used(box);
    return this.#infoOf(box);
  }

  async #resume(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    if (!box.machine.isPaused) throw new HttpError(400, "Sandbox is not stopped");
    await box.machine.resume();
    this.#used(box);
    return this.#infoOf(box);
  }

  #setTtl(request: StandInRequest): object {
    const box = this.#boxOf(request);
    const minutes = Number(request.parameters["minutes"]);
    box.machine.setTimeToLive(minutes === 0 ? undefined : minutes * this.#minuteMs, () => this.#end(box));
    return this.#infoOf(box);
  }

  #setAutoStop(request: StandInRequest): object {
    const box = this.#boxOf(request);
    box.autoStop = Number(request.parameters["minutes"]);
    this.#used(box);
    return this.#infoOf(box);
  }

  async #setNetwork(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    box.network = await request.json();
    return this.#infoOf(box);
  }

  #preview(request: StandInRequest): object {
    const { machine } = this.#boxOf(request);
    const port = request.parameters["port"] ?? "";
    // The vendor tells ports by the name of the host; here the token does.
    return { sandboxId: machine.id, url: this.toolbox.url, token: `${machine.id}/${port}` };
  }

  async #execute(request: StandInRequest): Promise<object> {
    const box = this.#boxOf(request);
    const { machine } = box;
    if (machine.isPaused) throw new HttpError(400, "bad request: sandbox is not running");
    this.#used(box);
    const body = await request.json();
    const command = stringField(body, "command") ?? "";
    const [program = "", ...args] =
      this.#options.commands === "words" ? wordsOf(command) : ["/bin/sh", "-c", command];
    if (program === "") throw new HttpError(400, "empty command");
    const envs = Object.entries(objectField(body, "envs")).map(([name, value]) => [name, String(value)]);
    const process = await machine.spawn({
      argv: ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh", program, ...args],
      cwd: stringField(body, "cwd") ?? machine.folder,
      env: Object.fromEntries(envs) as { [name: string]: string },
      ownSession: false,
    });
    const seconds = numberField(body, "timeout") ?? 360;
    const timer = setTimeout(() => process.signal("SIGKILL"), seconds * 1000);
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdout) chunks.push(Buffer.from(chunk as Uint8Array));
    const { code } = await process.exited;
    clearTimeout(timer);
    this.#used(box);
    return { exitCode: code ?? -1, result: Buffer.concat(chunks).toString() };
  }

  /** Pairs of fields: `files[0].path` and `files[0].file`. */
  async #upload(request: StandInRequest): Promise<Answer> {
    const box = this.#boxOf(request);
    this.#used(box);
    const boundary = /boundary=(.+)$/.exec(String(request.headers["content-type"]))?.[1] ?? "";
    const fields = fieldsOf(await request.body(), boundary);
    for (const [name, bytes] of fields) {
      const path = fields.get(name.replace(/\.file$/, ".path"))?.toString();
      if (path === undefined || !name.endsWith(".file")) continue;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
    return new Answer(200, {});
  }

  #passOn(request: StandInRequest): undefined {
    const [id = "", port = ""] = String(request.headers["x-daytona-preview-token"]).split("/");
    if (!this.#boxes.has(id)) throw new HttpError(401, "unauthorized");
    passOn(request, port);
    return undefined;
  }
}

const metrics = {
  cpuCount: 2,
  cpuUsedPct: 12.5,
  memUsed: 100 * 2 ** 20,
  memTotal: 512 * 2 ** 20,
  memCache: 0,
  diskUsed: 2 ** 20,
  diskTotal: 2 ** 30,
  diskFree: 2 ** 29,
};

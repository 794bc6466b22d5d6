/**
 * A stand-in for the service of Vercel Sandbox, as described at https://vercel.com/docs/vercel-sandbox and spoken by the
 * package `@vercel/sandbox` 3.5, which checks every answer: sandboxes with one session each, commands, files, snapshots.
 *
 * Its traits: commands have no standard input, their output is text in JSON lines; a sandbox ends when its time is over,
 * which can be put off up to the limit of a plan and never brought forward; a snapshot ends the session; a sandbox has five
 * tags at most, of which a list takes one; what has ended answers 410. What is not there: limits of machines, networks that
 * a policy closes, sandboxes that are taken up again, interactive terminals.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  arrayField,
  booleanField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
} from "../../../src/kit/json.ts";
import { FileCopies } from "../kit/file-copies.ts";
import { Fleet } from "../kit/fleet.ts";
import { Answer, HttpError, type StandInRequest, StandInServer } from "../kit/http-server.ts";
import { VercelProcess } from "./command.ts";
import { VercelRecord } from "./sandbox.ts";

export interface VercelStandInOptions {
  /** The longest that a sandbox may live; default: 30 days. */
  readonly mostMs?: number;
}

export interface VercelStandIn {
  readonly server: StandInServer;
  readonly url: string;
  readonly token: string;
  readonly teamId: string;
  readonly projectId: string;
  readonly sandboxes: ReadonlyMap<string, VercelRecord>;
  readonly snapshots: ReadonlyMap<string, { readonly sourceSessionId: string }>;
  /** The bodies of the commands that were asked for last. */
  readonly commands: readonly unknown[];
  stop(): Promise<void>;
}

interface StoredSnapshot {
  readonly id: string;
  readonly sourceSessionId: string;
  readonly createdAt: number;
  readonly folder: string;
}

const dayMs = 86_400_000;
/** How many of the commands that were asked for are remembered. */
const mostCommands = 200;

export async function startVercel({
  mostMs = 30 * dayMs,
}: VercelStandInOptions = {}): Promise<VercelStandIn> {
  const [token, teamId, projectId] = ["stand-in-token", "team_stand_in", "prj_stand_in"];
  const cloud = new Cloud(mostMs);
  const server = new StandInServer({
    errorBody: (status, message) => ({ error: { code: codeOf(status), message } }),
    guard: ({ headers, query }) => {
      if (headers.authorization !== `Bearer ${token}`) throw new HttpError(401, "Not authorized");
      if (query.get("teamId") !== teamId) throw new HttpError(403, "Not authorized for this team");
    },
  });
  addSandboxRoutes(server, cloud, projectId);
  addSnapshotRoutes(server, cloud);
  addCommandRoutes(server, cloud);
  addFileRoutes(server, cloud);
  await server.start();
  return {
    server,
    url: server.url,
    token,
    teamId,
    projectId,
    sandboxes: cloud.sandboxes,
    snapshots: cloud.snapshots,
    commands: cloud.commands,
    stop: async () => {
      await server.stop();
      for (const sandbox of cloud.sandboxes.values()) await sandbox.stop();
      await cloud.fleet.stop();
      await cloud.copies.stop();
    },
  };
}

function codeOf(status: number): string {
  return status === 410 ? "sandbox_stopped" : status === 404 ? "not_found" : "bad_request";
}

class Cloud {
  readonly sandboxes = new Map<string, VercelRecord>();
  readonly snapshots = new Map<string, StoredSnapshot>();
  readonly copies = new FileCopies();
  readonly fleet = new Fleet();
  readonly commands: unknown[] = [];
  readonly mostMs: number;

  constructor(mostMs: number) {
    this.mostMs = mostMs;
  }

  named({ parameters }: StandInRequest): VercelRecord {
    const sandbox = this.sandboxes.get(parameters["name"] ?? "");
    if (sandbox === undefined) throw new HttpError(404, "Sandbox not found");
    return sandbox;
  }

  /** The sandbox of a session that runs. */
  running(request: StandInRequest): VercelRecord {
    const sandbox = this.ofSession(request);
    if (sandbox.status !== "running") throw new HttpError(410, "The sandbox has stopped");
    return sandbox;
  }

  ofSession({ parameters }: StandInRequest): VercelRecord {
    const all = [...this.sandboxes.values()];
    const sandbox = all.find(({ sessionId }) => sessionId === parameters["session"]);
    if (sandbox === undefined) throw new HttpError(404, "Session not found");
    return sandbox;
  }
}

function addSandboxRoutes(server: StandInServer, cloud: Cloud, projectId: string): void {
  const whole = (sandbox: VercelRecord): object => ({
    sandbox: sandbox.describe(),
    session: sandbox.describeSession(),
    routes: sandbox.describeRoutes(),
  });
  const create = async (request: StandInRequest): Promise<object> => {
    const body = await request.json();
    if (stringField(body, "projectId") !== projectId) throw new HttpError(403, "Not this project");
    const name = stringField(body, "name") ?? `sb-${randomUUID()}`;
    if (cloud.sandboxes.has(name)) throw new HttpError(409, "The name is taken");
    const vcpus = numberField(objectField(body, "resources"), "vcpus") ?? 2;
    if (vcpus < 1 || vcpus > 32) throw new HttpError(400, "Invalid resources.vcpus");
    const timeoutMs = numberField(body, "timeout") ?? 300_000;
    if (timeoutMs < 1000 || timeoutMs > cloud.mostMs) throw new HttpError(400, "Invalid timeout");
    const image = stringField(body, "image");
    if (image !== undefined && !image.startsWith("vercel/sandbox/"))
      throw new HttpError(404, "Image not found");
    const sourceSnapshotId = stringField(objectField(body, "source"), "snapshotId");
    const snapshot = sourceSnapshotId === undefined ? undefined : cloud.snapshots.get(sourceSnapshotId);
    if (sourceSnapshotId !== undefined && snapshot === undefined)
      throw new HttpError(404, "Snapshot not found");
    const sandbox = await VercelRecord.create(
      {
        name,
        vcpus,
        timeoutMs,
        sourceSnapshotId,
        region: stringField(body, "region") ?? "iad1",
        ports: portsIn(body) ?? [],
        tags: tagsIn(body) ?? {},
        persistent: booleanField(body, "persistent") ?? true,
      },
      { fleet: cloud.fleet, files: snapshot?.folder },
    );
    cloud.sandboxes.set(name, sandbox);
    return whole(sandbox);
  };
  server
    .route("POST", "/v3/sandboxes", create)
    .route("POST", "/v2/sandboxes", create)
    .route("GET", "/v2/sandboxes", ({ query }) => {
      const wanted = query.getAll("tags");
      if (wanted.length > 1) throw new HttpError(400, "Only one tag");
      const [key = "", value] = wanted[0]?.split(":") ?? [];
      const all = [...cloud.sandboxes.values()].filter(
        ({ tags }) => wanted.length === 0 || tags[key] === value,
      );
      const from = Number(query.get("cursor") ?? 0);
      const to = from + Number(query.get("limit") ?? 10);
      return {
        sandboxes: all.slice(from, to).map((sandbox) => sandbox.describe()),
        pagination: { count: all.length, next: to < all.length ? String(to) : null },
      };
    })
    .route("GET", "/v2/sandboxes/snapshots", () => ({
      snapshots: [...cloud.snapshots.values()].map((snapshot) => describeSnapshot(snapshot)),
      pagination: { count: cloud.snapshots.size, next: null },
    }))
    .route("GET", "/v2/sandboxes/:name", (request) => whole(cloud.named(request)))
    .route("PATCH", "/v2/sandboxes/:name", async (request) => {
      const sandbox = cloud.named(request);
      const body = await request.json();
      sandbox.tags = tagsIn(body) ?? sandbox.tags;
      sandbox.ports = portsIn(body) ?? sandbox.ports;
      sandbox.updatedAt = Math.max(Date.now(), sandbox.updatedAt + 1);
      return { sandbox: sandbox.describe(), routes: sandbox.describeRoutes() };
    })
    .route("DELETE", "/v2/sandboxes/:name", async (request) => {
      const sandbox = cloud.named(request);
      await sandbox.stop();
      cloud.sandboxes.delete(sandbox.name);
      return { sandbox: sandbox.describe() };
    });
}

function tagsIn(body: unknown): { readonly [name: string]: string } | undefined {
  if (!isJsonObject(body) || body["tags"] === undefined) return undefined;
  const tags = objectField(body, "tags");
  const pairs = Object.entries(tags).map(([name, value]) => [name, String(value)] as const);
  if (pairs.length > 5) throw new HttpError(400, "Too many tags");
  if (pairs.some(([, value]) => value.length > 256)) throw new HttpError(400, "A tag is too long");
  return Object.fromEntries(pairs);
}

function portsIn(body: unknown): readonly number[] | undefined {
  if (!isJsonObject(body) || body["ports"] === undefined) return undefined;
  const ports = arrayField(body, "ports").map(Number);
  if (ports.length > 15) throw new HttpError(400, "Too many ports");
  return ports;
}

function describeSnapshot({ id, sourceSessionId, createdAt }: StoredSnapshot, status = "created"): object {
  return {
    id,
    sourceSessionId,
    region: "iad1",
    status,
    sizeBytes: 1,
    createdAt,
    updatedAt: createdAt,
  };
}

function addSnapshotRoutes(server: StandInServer, cloud: Cloud): void {
  const stored = ({ parameters }: StandInRequest): StoredSnapshot => {
    const snapshot = cloud.snapshots.get(parameters["id"] ?? "");
    if (snapshot === undefined) throw new HttpError(404, "Snapshot not found");
    return snapshot;
  };
  server
    .route("POST", "/v2/sandboxes/sessions/:session/snapshot", async (request) => {
      const sandbox = cloud.running(request);
      const snapshot = {
        id: `snap_${randomUUID()}`,
        sourceSessionId: sandbox.sessionId,
        createdAt: Date.now(),
        folder: await cloud.copies.make(sandbox.machine.folder),
      };
      cloud.snapshots.set(snapshot.id, snapshot);
      sandbox.snapshotId = snapshot.id;
      await sandbox.stop();
      return { snapshot: describeSnapshot(snapshot), session: sandbox.describeSession() };
    })
    .route("GET", "/v2/sandboxes/snapshots/:id", (request) => ({
      snapshot: describeSnapshot(stored(request)),
    }))
    .route("DELETE", "/v2/sandboxes/snapshots/:id", async (request) => {
      const snapshot = stored(request);
      cloud.snapshots.delete(snapshot.id);
      await cloud.copies.remove(snapshot.folder);
      return { snapshot: describeSnapshot(snapshot, "deleted") };
    });
}

function addCommandRoutes(server: StandInServer, cloud: Cloud): void {
  const root = "/v2/sandboxes/sessions/:session";
  const started = (request: StandInRequest): VercelProcess => {
    const command = cloud.running(request).commands.get(request.parameters["command"] ?? "");
    if (command === undefined) throw new HttpError(404, "Command not found");
    return command;
  };
  server
    .route("POST", `${root}/stop`, async (request) => {
      const sandbox = cloud.running(request);
      await sandbox.stop();
      return { session: sandbox.describeSession(), sandbox: sandbox.describe() };
    })
    .route("POST", `${root}/extend-timeout`, async (request) => {
      const sandbox = cloud.running(request);
      const duration = numberField(await request.json(), "duration") ?? 0;
      if (duration < 1000) throw new HttpError(400, "Invalid duration");
      sandbox.extend(duration, cloud.mostMs);
      return { session: sandbox.describeSession() };
    })
    .route("POST", `${root}/network-policy`, async (request) => {
      const sandbox = cloud.running(request);
      const body = await request.json();
      const mode = stringField(body, "mode");
      const allowedDomains =
        isJsonObject(body) && Array.isArray(body["allow"]) ? body["allow"].map(String) : [];
      sandbox.networkPolicy = mode === undefined ? { mode: "custom", allowedDomains } : { mode };
      return { session: sandbox.describeSession() };
    })
    .route("POST", `${root}/cmd`, async (request) => {
      const sandbox = cloud.running(request);
      const body = await request.json();
      cloud.commands.push(body);
      if (cloud.commands.length > mostCommands) cloud.commands.shift();
      const command = await VercelProcess.start(sandbox.machine, sandbox.sessionId, body);
      sandbox.commands.set(command.id, command);
      if (booleanField(body, "wait") !== true) return { command: command.describe() };
      await streamCommand(request, command);
      return undefined;
    })
    .route("GET", `${root}/cmd/:command`, async (request) => {
      const command = started(request);
      if (request.query.get("wait") === "true") await command.finished;
      return { command: command.describe() };
    })
    .route("POST", `${root}/cmd/:command/kill`, async (request) => {
      const command = started(request);
      const signal = numberField(await request.json(), "signal") ?? 15;
      process.kill(command.process.pid, signal);
      return { command: command.describe() };
    });
}

async function streamCommand(request: StandInRequest, command: VercelProcess): Promise<void> {
  const { response } = request;
  const say = (value: object): void => {
    response.write(`${JSON.stringify(value)}\n`);
  };
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  say({ command: command.describe() });
  const stop = command.listen(say);
  await command.finished;
  stop();
  say({ command: command.describe() });
  response.end();
}

function addFileRoutes(server: StandInServer, cloud: Cloud): void {
  const root = "/v2/sandboxes/sessions/:session/fs";
  server
    .route("POST", `${root}/write`, async (request) => {
      const { machine } = cloud.running(request);
      const folder = request.headers["x-cwd"];
      if (typeof folder !== "string") throw new HttpError(400, "x-cwd is required");
      const argv = ["tar", "-x", "-z", "-o", "-f", "-", "-C", folder] as const;
      const unpacking = await machine.spawn({ argv, stdin: "pipe" });
      unpacking.stdin?.end(await request.body());
      const { code } = await unpacking.exited;
      if (code !== 0) throw new HttpError(400, "The files could not be written");
      return {};
    })
    .route("POST", `${root}/read`, async (request) => {
      cloud.running(request);
      const path = stringField(await request.json(), "path") ?? "";
      try {
        const content = await readFile(path);
        request.response.writeHead(200, { "content-type": "application/octet-stream" }).end(content);
        return undefined;
      } catch (error) {
        const code = stringField(error, "code");
        return new Answer(code === "ENOENT" || code === "ENOTDIR" ? 404 : 400, {
          error: { code: "bad_request", message: `The file cannot be read: ${String(code)}` },
        });
      }
    });
}

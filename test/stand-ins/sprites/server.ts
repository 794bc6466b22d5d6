/**
 * A stand-in for the Sprites service of Fly.io, as described at https://docs.sprites.dev/api and spoken by the package
 * `@fly/sprites` 0.1: REST for sprites, checkpoints and policies; WebSockets for commands (frames with a leading byte: 0
 * stdin, 1 stdout, 2 stderr, 3 exit, 4 end of stdin; JSON texts for resizing and signals), tunnels and file watching.
 *
 * Its traits: sprites have no end of their own; a command without a terminal is ended ten seconds after its connection was
 * lost; a list does not tell labels unless it is asked to load all; addresses beyond 8 KiB are refused, as by most proxies.
 * What is not there: limits of machines, networks that a policy closes, sleep.
 */
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { isJsonObject, numberField, objectField, stringField } from "../../../src/kit/json.ts";
import { FileCopies } from "../kit/file-copies.ts";
import { Fleet } from "../kit/fleet.ts";
import { Answer, HttpError, type StandInRequest, StandInServer } from "../kit/http-server.ts";
import { carryPort } from "./proxy.ts";
import { runCommand } from "./exec.ts";
import { Sprite } from "./sprite.ts";
import { watchFolder } from "./watch.ts";

export interface SpritesStandInOptions {
  /** Default `"stand-in-token"`. */
  readonly token?: string;
  /** How long a command runs on that has lost its connection, where the client asks for the vendor's 10 seconds. */
  readonly runAfterDisconnectMs?: number;
  /** Whether a list tells labels when it is asked to load all; default `true`. */
  readonly listsLabels?: boolean;
}

export interface SpritesStandIn {
  readonly server: StandInServer;
  readonly url: string;
  readonly token: string;
  readonly sprites: ReadonlyMap<string, Sprite>;
  /** Every address of a WebSocket that was asked for. */
  readonly addresses: readonly string[];
  /** Whether answers to the client's pings are left out, as by a connection that is broken. */
  isDeaf: boolean;
  stop(): Promise<void>;
}

const longestAddress = 8192;

export async function startSprites(options: SpritesStandInOptions = {}): Promise<SpritesStandIn> {
  const { token = "stand-in-token", runAfterDisconnectMs = 10_000, listsLabels = true } = options;
  const sprites = new Map<string, Sprite>();
  const copies = new FileCopies();
  const fleet = new Fleet();
  const addresses: string[] = [];
  const server = new StandInServer({
    errorBody: (status, message) => ({
      error: status === 429 ? "sprite_creation_rate_limited" : message,
      message,
    }),
    guard: ({ headers }) => {
      if (headers.authorization !== `Bearer ${token}`) throw new HttpError(401, "Invalid token.");
    },
  });
  const found = ({ parameters }: Pick<StandInRequest, "parameters">): Sprite => {
    const sprite = sprites.get(parameters["name"] ?? "");
    if (sprite === undefined) throw new HttpError(404, "sprite not found");
    return sprite;
  };
  addSpriteRoutes(server, { sprites, found, copies, fleet, listsLabels });
  addCheckpointRoutes(server, found);

  const sockets = new WebSocketServer({ noServer: true, autoPong: false });
  const state = { isDeaf: false };
  type Use = (socket: WebSocket, sprite: Sprite, query: URLSearchParams) => Promise<void>;
  const upgrade = (pattern: string, use: Use): void => {
    server.upgrade(pattern, (request, socket, head) => {
      const { url = "" } = request.raw;
      addresses.push(url);
      if (request.headers.authorization !== `Bearer ${token}`) refuse(socket, 401);
      else if (url.length > longestAddress) refuse(socket, 414);
      else {
        const sprite = sprites.get(request.parameters["name"] ?? "");
        if (sprite === undefined) {
          refuse(socket, 404);
          return;
        }
        sockets.handleUpgrade(request.raw, socket, head, (opened) => {
          opened.on("error", () => undefined);
          opened.on("ping", (data) => {
            if (!state.isDeaf) opened.pong(data);
          });
          sprite.sockets.add(opened);
          opened.once("close", () => sprite.sockets.delete(opened));
          use(opened, sprite, request.query).catch(() => {
            opened.close(1011);
          });
        });
      }
    });
  };
  upgrade("/v1/sprites/:name/exec", (socket, { machine }, query) =>
    runCommand(socket, machine, query, runAfterDisconnectMs),
  );
  upgrade("/v1/sprites/:name/proxy", carryPort);
  upgrade("/v1/sprites/:name/fs/watch", watchFolder);

  await server.start();
  return {
    server,
    url: server.url,
    token,
    sprites,
    addresses,
    get isDeaf() {
      return state.isDeaf;
    },
    set isDeaf(value) {
      state.isDeaf = value;
    },
    stop: async () => {
      await server.stop();
      sockets.close();
      for (const sprite of sprites.values()) await sprite.destroy();
      sprites.clear();
      await fleet.stop();
      await copies.stop();
    },
  };
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
}

type Find = (request: Pick<StandInRequest, "parameters">) => Sprite;

interface SpriteRoutes {
  readonly sprites: Map<string, Sprite>;
  readonly found: Find;
  readonly copies: FileCopies;
  readonly fleet: Fleet;
  readonly listsLabels: boolean;
}

function addSpriteRoutes(
  server: StandInServer,
  { sprites, found, copies, fleet, listsLabels }: SpriteRoutes,
): void {
  server
    .route("POST", "/v1/sprites", async (request) => {
      const body = await request.json();
      const name = stringField(body, "name") ?? "";
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new HttpError(400, "invalid name");
      if (sprites.has(name)) throw new HttpError(400, "name already exists");
      checkConfig(objectField(body, "config"));
      const sprite = await Sprite.create(name, settingsIn(body), { copies, fleet });
      sprites.set(name, sprite);
      return new Answer(201, sprite.describe(server.url));
    })
    .route("GET", "/v1/sprites", ({ query }) => {
      const most = Number(query.get("max_results") ?? 50);
      if (!(most >= 1 && most <= 50)) throw new HttpError(400, "invalid max_results");
      const all = [...sprites.values()].filter(({ name }) => name.startsWith(query.get("prefix") ?? ""));
      const from = Number(query.get("continuation_token") ?? 0);
      const page = all.slice(from, from + most);
      const isWhole = listsLabels && query.get("bulk_load") === "true";
      return {
        sprites: page.map((sprite) =>
          isWhole ? sprite.describe(server.url) : { name: sprite.name, org_slug: "stand-in" },
        ),
        has_more: from + most < all.length,
        next_continuation_token: from + most < all.length ? String(from + most) : null,
      };
    })
    .route("GET", "/v1/sprites/:name", (request) => found(request).describe(server.url))
    .route("PUT", "/v1/sprites/:name", async (request) => {
      const sprite = found(request);
      Object.assign(sprite.settings, settingsIn(await request.json()));
      return sprite.describe(server.url);
    })
    .route("DELETE", "/v1/sprites/:name", async (request) => {
      const sprite = found(request);
      sprites.delete(sprite.name);
      await sprite.destroy();
      return new Answer(204);
    })
    .route("GET", "/v1/sprites/:name/policy/network", (request) => ({ rules: found(request).rules }))
    .route("POST", "/v1/sprites/:name/policy/network", async (request) => {
      const sprite = found(request);
      const body = await request.json();
      const rules: unknown = isJsonObject(body) ? body["rules"] : undefined;
      const isRule = (rule: unknown): boolean =>
        stringField(rule, "include") !== undefined ||
        (stringField(rule, "domain") !== undefined &&
          /^(allow|deny)$/.test(stringField(rule, "action") ?? ""));
      if (!Array.isArray(rules) || !rules.every(isRule)) throw new HttpError(400, "invalid rules");
      sprite.rules = rules;
      return new Answer(204);
    });
}

function addCheckpointRoutes(server: StandInServer, found: Find): void {
  const follow = (request: StandInRequest, lines: readonly object[]): void => {
    request.response.writeHead(200, { "content-type": "application/x-ndjson" });
    request.response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  };
  server
    .route("POST", "/v1/sprites/:name/checkpoint", async (request) => {
      const sprite = found(request);
      const comment = stringField(await request.json(), "comment");
      const id = await sprite.checkpoint(comment);
      follow(request, [
        { type: "info", data: "Creating checkpoint..." },
        { type: "complete", data: `Checkpoint ${id} created` },
      ]);
    })
    .route("GET", "/v1/sprites/:name/checkpoints", (request) => [
      ...found(request).checkpoints.map(({ id, comment, createdAt }) => ({
        id,
        create_time: new Date(createdAt).toISOString(),
        ...(comment === undefined ? {} : { comment }),
      })),
      { id: "Current", create_time: new Date().toISOString() },
    ])
    .route("POST", "/v1/sprites/:name/checkpoints/:id/restore", async (request) => {
      const sprite = found(request);
      const { id = "" } = request.parameters;
      if (!sprite.checkpoints.some((each) => each.id === id))
        throw new HttpError(404, "checkpoint not found");
      await sprite.restore(id);
      follow(request, [{ type: "info", data: `Restored ${id}` }, { type: "complete" }]);
    });
}

function settingsIn(body: unknown): Partial<Sprite["settings"]> {
  const labels: unknown = isJsonObject(body) ? body["labels"] : undefined;
  if (labels !== undefined && !(Array.isArray(labels) && labels.every((each) => typeof each === "string"))) {
    throw new HttpError(400, "invalid labels");
  }
  const auth = stringField(objectField(body, "url_settings"), "auth");
  if (auth !== undefined && auth !== "sprite" && auth !== "public") throw new HttpError(400, "invalid auth");
  return { ...(labels === undefined ? {} : { labels }), ...(auth === undefined ? {} : { auth }) };
}

function checkConfig(config: unknown): void {
  if (config === undefined) return;
  const {
    cpus = 1,
    ram_mb: ramMB = 512,
    storage_gb: storageGB = 1,
  } = {
    cpus: numberField(config, "cpus"),
    ram_mb: numberField(config, "ram_mb"),
    storage_gb: numberField(config, "storage_gb"),
  };
  if (cpus < 1 || cpus > 8) throw new HttpError(400, "invalid cpus");
  if (ramMB < 256 || ramMB > 16_384) throw new HttpError(400, "invalid ram_mb");
  if (storageGB < 1 || storageGB > 100) throw new HttpError(400, "invalid storage_gb");
  const region = stringField(config, "region");
  if (region !== undefined && !/^[a-z]{3}$/.test(region)) throw new HttpError(400, "invalid region");
}

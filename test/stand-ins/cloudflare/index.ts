/**
 * Cloudflare, for `cloudflare()`: the real bridge Worker, with its registry, in Cloudflare's own runtime (`workerd`), and
 * the client half of the real `@cloudflare/sandbox` in it. What cannot run here is the container: its Durable Object is
 * replaced by one that has each command run by `containers.ts`, a real process of this machine, and answers as described at
 * https://developers.cloudflare.com/sandbox/api/ and by the package's own declarations.
 *
 * In front of the Worker is a server that fails on demand, as Cloudflare's edge may.
 */
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import type { StandInMachine } from "../kit/machines.ts";
import { StandInServer, type StandInRequest } from "../kit/http-server.ts";
import { type Containers, startContainers } from "./containers.ts";
import { startWorker } from "./workerd.ts";

export interface CloudflareStandIn {
  readonly url: string;
  readonly token: string;
  /** What stands in front of the Worker. */
  readonly server: StandInServer;
  readonly containers: Containers;
  /** The containers that run, by the sandbox's id. */
  readonly machines: ReadonlyMap<string, StandInMachine>;
  /** Creations are carried out, and their answers get lost. */
  losesAnswers: boolean;
  /** Requests go to the Worker without anything in front of it. */
  readonly workerUrl: string;
  /** Stops the runtime and starts it again, with what the registry has stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface CloudflareStandInOptions {
  /** The Worker's secret; default: a random one. Empty: none is set. */
  readonly token?: string;
  /** Path of the Worker's source; default: `worker.ts` beside this file, which is not where a bundle of it is. */
  readonly worker?: string;
}

export async function startCloudflare(options: CloudflareStandInOptions = {}): Promise<CloudflareStandIn> {
  const token = options.token ?? `token-${randomUUID()}`;
  const containers = await startContainers();
  const start = { token, containersPort: containers.server.port, source: options.worker };
  const running = { worker: await startWorker(start), losesAnswers: false };
  const server = new StandInServer().route("*", "/*path", (incoming) => {
    const isLost = running.losesAnswers && incoming.method === "POST" && incoming.path === "/v1/sandbox";
    pass(incoming, running.worker.port, isLost);
  });
  await server.start();
  return {
    url: server.url,
    token,
    server,
    containers,
    machines: containers.machines,
    get losesAnswers() {
      return running.losesAnswers;
    },
    set losesAnswers(losesAnswers) {
      running.losesAnswers = losesAnswers;
    },
    get workerUrl() {
      return `http://127.0.0.1:${running.worker.port}`;
    },
    restart: async () => {
      const folder = await running.worker.stop();
      running.worker = await startWorker({ ...start, folder });
    },
    stop: async () => {
      await server.stop();
      await running.worker.stop().then((folder) => folder[Symbol.asyncDispose]());
      await containers.stop();
    },
  };
}

/** Hands a request on, and its answer back as it comes. */
function pass({ raw, response, method }: StandInRequest, port: number, isLost: boolean): void {
  const onward = request(
    { host: "127.0.0.1", port, method, path: raw.url, headers: raw.headers },
    (answer) => {
      if (isLost) {
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    },
  );
  onward.on("error", () => response.destroy());
  // Who asked has gone away: so does the one who asks for him.
  response.on("close", () => onward.destroy());
  raw.pipe(onward);
}

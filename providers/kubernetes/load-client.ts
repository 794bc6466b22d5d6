import { createRequire } from "node:module";
import type * as KubernetesClient from "@kubernetes/client-node";
import { type PeerPackage, SandboxAgentError, loadPeer } from "../../src/kit.ts";

export type Client = typeof KubernetesClient;

/** Version 2 cannot be imported on Node 20. */
export const clientPackage: PeerPackage = {
  name: "@kubernetes/client-node",
  range: "^1.4.0",
  accepts: (version) => /^1\.(?:[4-9]|[1-9]\d+)\./.test(version),
  neededBy: "kubernetes()",
};

/** The answer of a server that does not open the socket. */
export type RefusedResponse = AsyncIterable<Uint8Array> & {
  readonly statusCode?: number;
  readonly headers?: { readonly [name: string]: string };
};

/** What is used of the class `WebSocket` of the package ws. */
export interface Socket {
  readonly protocol: string;
  on(event: "open" | "pong", listener: () => void): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
  on(event: "close", listener: (code: number) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "unexpected-response", listener: (request: unknown, response: RefusedResponse) => void): void;
  send(data: Uint8Array, callback: (error?: Error | null) => void): void;
  ping(): void;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
}

export type SocketClass = new (address: string, protocols: readonly string[], options: object) => Socket;

export interface LoadedClient {
  readonly client: Client;
  readonly WebSocket: SocketClass;
}

/**
 * Loads the vendor's client, and the WebSocket that it brings along: its own class for exec does not wait for a slow
 * reader.
 */
export async function loadClient(): Promise<LoadedClient> {
  const client = await loadPeer(clientPackage, () => import("@kubernetes/client-node"));
  try {
    const path = createRequire(import.meta.url).resolve(clientPackage.name);
    const loaded: unknown = createRequire(path)("ws");
    if (isSocketClass(loaded)) return { client, WebSocket: loaded };
    throw new TypeError("It exports no class.");
  } catch (cause) {
    const install = `npm install ${clientPackage.name}@${clientPackage.range}`;
    throw new SandboxAgentError(
      "dependency_missing",
      `kubernetes() needs the package ws, which ${clientPackage.name} brings along, and it cannot be loaded.`,
      { details: { package: "ws", version: "^8.0.0", install }, cause, remedy: `Run: ${install}` },
    );
  }
}

function isSocketClass(value: unknown): value is SocketClass {
  return typeof value === "function" && typeof (value.prototype as Partial<Socket>).pause === "function";
}

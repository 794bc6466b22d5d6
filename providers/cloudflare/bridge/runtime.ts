/**
 * What the bridge needs of Cloudflare's runtime and of `@cloudflare/sandbox`, as small as it is. The real ones fit, which
 * test/types/cloudflare-bridge.test-d.ts shows; nothing of them is imported.
 */

/** What of the handle that `getSandbox()` gives is used. */
export interface SandboxHandle {
  /** Runs a line of shell; the stream is one of server-sent events. */
  execStream(
    command: string,
    options?: { cwd?: string; env?: { [name: string]: string }; timeout?: number },
  ): Promise<ReadableStream<Uint8Array>>;
  writeFile(path: string, content: string, options?: { encoding?: string }): Promise<unknown>;
  readonly tunnels: { get(port: number): Promise<{ readonly url: string }> };
  destroy(): Promise<void>;
}

/** What `getSandbox` of `@cloudflare/sandbox` takes. */
export interface SandboxHandleOptions {
  /** The registry's alarm ends the container, and nothing else does. */
  keepAlive: boolean;
  /** Whether commands share one shell. */
  enableDefaultSession: boolean;
}

/** `getSandbox` of `@cloudflare/sandbox`. What it takes for a namespace is the binding `Sandbox`, whatever that is. */
export type GetSandbox = (namespace: never, id: string, options: SandboxHandleOptions) => SandboxHandle;

/** The bindings of the Worker. */
export interface BridgeEnv {
  /** Of the Durable Object class that `@cloudflare/sandbox` exports. */
  readonly Sandbox: unknown;
  readonly PlaypenRegistry: RegistryNamespace;
  /** A secret: `wrangler secret put PLAYPEN_TOKEN`. */
  readonly PLAYPEN_TOKEN: string;
}

/** The binding of the Durable Object that keeps the list of sandboxes. */
export interface RegistryNamespace {
  // What an id is, is the runtime's own business.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  idFromName(name: string): any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  get(id: any): { fetch(url: string, init: { method: string; body: string }): Promise<Response> };
}

/** Of a Durable Object. */
export interface RegistryState {
  readonly storage: {
    get(key: string): Promise<unknown>;
    put(key: string, value: unknown): Promise<void>;
    delete(key: string): Promise<boolean>;
    list(options: { prefix: string; startAfter?: string; limit?: number }): Promise<Map<string, unknown>>;
    getAlarm(): Promise<number | null>;
    setAlarm(time: number): Promise<void>;
  };
}

/** Of one request. */
export interface RequestContext {
  waitUntil(work: Promise<unknown>): void;
}

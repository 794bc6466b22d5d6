import {
  type Argv,
  type Environment,
  type Labels,
  SandboxAgentError,
  type ShortRun,
  type VendorContext,
  isJsonObject,
  numberField,
  objectField,
  openVendorAnswer,
  parseJson,
  retriedWhenRefused,
  stringField,
  vendorFailure,
} from "../../src/kit.ts";
import { bridgeVersion, versionHeader } from "./bridge/protocol.ts";
import { type CloudflareSettings, isBridgeUrl } from "./options.ts";
import { readLines } from "./read-lines.ts";

export const providerName = "cloudflare";

/** Where the bridge and its secret are looked for. */
export const variables: readonly string[] = ["PLAYPEN_CLOUDFLARE_URL", "PLAYPEN_CLOUDFLARE_TOKEN"];

/** A sandbox, as the bridge knows it. */
export interface BridgeSandbox {
  readonly id: string;
  readonly labels: Labels;
  readonly cwd: string;
  readonly createdAt: number;
  readonly isRunning: boolean;
}

/** What a creation asks for. */
export interface BridgeCreation {
  readonly id: string;
  readonly labels: Labels;
  /** Empty: the usual one. */
  readonly cwd: string;
  readonly user: string;
  readonly life_ms: number;
  readonly fixed_end: boolean;
}

interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/v1`. */
  readonly path: string;
  readonly action: string;
  readonly id?: string;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Default: the usual time for an answer. */
  readonly timeoutMs?: number;
  /** How often it is tried where nobody takes the connection. */
  readonly attempts?: number;
}

/** Longest time that a command of the library's own takes, or says nothing. */
export const commandTimeoutMs = 60_000;

/** Speaks to the bridge Worker. */
export class BridgeClient {
  readonly #settings: CloudflareSettings;

  constructor(settings: CloudflareSettings) {
    this.#settings = settings;
  }

  /** @throws SandboxAgentError where it is no bridge, or not one of this version. */
  async check(): Promise<void> {
    await this.#json({ method: "GET", path: "", action: "find the bridge" });
  }

  async create(body: BridgeCreation): Promise<BridgeSandbox> {
    const call: Call = { method: "POST", path: "/sandbox", action: "create a sandbox", body };
    const json = await this.#json({ ...call, timeoutMs: this.#settings.createTimeoutMs });
    return sandboxOf(json) ?? this.#strange(call);
  }

  async find(id: string): Promise<BridgeSandbox> {
    const call: Call = { method: "GET", path: pathOf(id), action: "find a sandbox", id };
    return sandboxOf(await this.#json(call)) ?? this.#strange(call);
  }

  async *list(labels: Labels): AsyncGenerator<BridgeSandbox> {
    const query = new URLSearchParams({ labels: JSON.stringify(labels) });
    for (let after: string | undefined = ""; after !== undefined;) {
      query.set("after", after);
      const call: Call = {
        method: "GET",
        path: `/sandbox?${query.toString()}`,
        action: "list its sandboxes",
      };
      const json = await this.#json(call);
      const found = isJsonObject(json) ? json["sandboxes"] : undefined;
      if (!Array.isArray(found)) return this.#strange(call);
      for (const each of found) {
        const sandbox = sandboxOf(each);
        if (sandbox !== undefined) yield sandbox;
      }
      after = stringField(json, "after");
    }
  }

  /** Has the sandbox end so many milliseconds from now; as a renewal only if that is later than before. */
  async expire(id: string, lifeMs: number, isRenewal: boolean): Promise<void> {
    const body = { life_ms: Math.ceil(lifeMs), renewal: isRenewal };
    await this.#json({
      method: "POST",
      path: pathOf(id, "expiry"),
      action: "set the end of a sandbox",
      id,
      body,
    });
  }

  async expose(id: string, port: number): Promise<string> {
    const action = `make port ${port} reachable`;
    // The program that carries the port has to start first.
    const timeoutMs = this.#settings.requestTimeoutMs + commandTimeoutMs;
    const call: Call = { method: "POST", path: pathOf(id, "tunnel"), action, id, body: { port }, timeoutMs };
    return stringField(await this.#json(call), "url") ?? this.#strange(call);
  }

  async destroy(id: string): Promise<void> {
    const timeoutMs = this.#settings.requestTimeoutMs + commandTimeoutMs;
    await this.#json({ method: "DELETE", path: pathOf(id), action: "destroy a sandbox", id, timeoutMs });
  }

  /** Runs a command to its end, as root. `onText` is given its standard output as it comes, in place of the result. */
  async run(
    id: string,
    argv: Argv,
    env: Environment = {},
    onText?: (text: string) => void,
  ): Promise<ShortRun> {
    const body = { argv, env, timeout_ms: 2 * commandTimeoutMs };
    const call: Call = {
      method: "POST",
      path: pathOf(id, "exec"),
      action: "run a command",
      id,
      body,
      // Whoever follows a process has a patience of its own.
      ...(onText === undefined ? {} : { attempts: 1 }),
    };
    const { requestTimeoutMs } = this.#settings;
    const abort = new AbortController();
    const { signal } = abort;
    const answer = await this.#ask({ ...call, signal, timeoutMs: requestTimeoutMs + commandTimeoutMs });
    let [stdout, stderr] = ["", ""];
    try {
      for await (const line of readLines(answer, requestTimeoutMs + commandTimeoutMs)) {
        const event = parseJson(line);
        const type = stringField(event, "type");
        const data = stringField(event, "data");
        if (type === "stdout" && data !== undefined && onText !== undefined) onText(data);
        else if (type === "stdout") stdout += data ?? "";
        if (type === "stderr") stderr += data ?? "";
        const code = numberField(event, "code");
        if (type === "exit" && code !== undefined) return { code, stdout, stderr };
        if (type === "error") {
          const message = stringField(event, "message") ?? "it gave no reason.";
          throw vendorFailure(this.#context(call), { status: numberField(event, "status"), message });
        }
      }
    } catch (error) {
      throw this.#broken(call, error);
    } finally {
      abort.abort();
    }
    throw vendorFailure(this.#context(call), { message: "its answer ended before the command did." });
  }

  /** A part of a file; shorter than asked for where the file ends. */
  async readPart(
    id: string,
    path: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const query = new URLSearchParams({ path, offset: String(offset), length: String(length) });
    const call: Call = {
      method: "GET",
      path: pathOf(id, `file?${query.toString()}`),
      action: "read a file",
      id,
      signal,
    };
    const answer = await this.#ask(call);
    try {
      return new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#broken(call, error);
    }
  }

  /** Adds to a file, which begins with the offset 0 and is root's. */
  async writePart(id: string, path: string, offset: number, bytes: Uint8Array): Promise<void> {
    const query = new URLSearchParams({ path, offset: String(offset) });
    await this.#json({
      method: "PUT",
      path: pathOf(id, `file?${query.toString()}`),
      action: "write a file",
      id,
      bytes,
    });
  }

  async #json(call: Call): Promise<unknown> {
    const answer = await this.#ask(call);
    let text: string;
    try {
      text = await answer.text();
    } catch (error) {
      throw this.#broken(call, error);
    }
    if (text === "") return undefined;
    const json = parseJson(text);
    if (json === undefined) throw vendorFailure(this.#context(call), { message: "its answer is no JSON." });
    return json;
  }

  async #ask(call: Call): Promise<Response> {
    const { url, token } = this.#access();
    const { method, path, body, bytes, signal, attempts } = call;
    const { timeoutMs = this.#settings.requestTimeoutMs } = call;
    const request = (): Promise<Response> =>
      openVendorAnswer({
        method,
        url: `${url}/v1${path}`,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body }),
        ...(bytes === undefined ? {} : { bytes }),
        timeoutMs,
        signal,
        context: this.#context(call),
        doubt: (answer) => doubtOf(answer, call.action),
      });
    return retriedWhenRefused(request, { signal, ...(attempts === undefined ? {} : { attempts }) });
  }

  /** @throws SandboxAgentError `provider_authentication_failed` where either is not known. */
  #access(): { readonly url: string; readonly token: string } {
    const url = this.#settings.url ?? process.env["PLAYPEN_CLOUDFLARE_URL"] ?? "";
    const token = this.#settings.token ?? process.env["PLAYPEN_CLOUDFLARE_TOKEN"] ?? "";
    if (isBridgeUrl(url) && token !== "") return { url: url.replace(/\/+$/, ""), token };
    const missing = isBridgeUrl(url) ? "token" : url === "" ? "url" : "url that can be used";
    throw new SandboxAgentError(
      "provider_authentication_failed",
      `cloudflare() was given no ${missing}, nor do variables (${variables.join(", ")}) say one.`,
      { details: { provider: providerName, variables } },
    );
  }

  #broken(call: Call, error: unknown): SandboxAgentError {
    if (SandboxAgentError.is(error)) return error;
    const words = error instanceof Error ? error.message : String(error);
    return vendorFailure(this.#context(call), { message: `its answer was cut off: ${words}`, cause: error });
  }

  #strange(call: Call): never {
    throw vendorFailure(this.#context(call), { message: "its answer holds nothing that is understood." });
  }

  #context({ action, id }: Pick<Call, "action" | "id">): VendorContext {
    return { provider: providerName, action, variables, ...(id === undefined ? {} : { id }) };
  }
}

/**
 * An answer of something else, or of another bridge. Whatever stands in front of the Worker may refuse a request by itself,
 * so that refusals are believed.
 */
function doubtOf({ headers, ok, status }: Response, action: string): SandboxAgentError | undefined {
  const version = headers.get(versionHeader);
  if (version === String(bridgeVersion)) return undefined;
  if (version === null && !ok && status !== 404 && status !== 405) return undefined;
  const why =
    version === null
      ? "what answers at this address is no bridge."
      : `the bridge speaks version ${version.slice(0, 20)}, and this library version ${bridgeVersion}.`;
  return new SandboxAgentError("provider_failed", `${providerName} could not ${action}: ${why}`, {
    details: { provider: providerName },
    remedy: "Deploy the Worker anew, with the version of playpen that this program has: npx wrangler deploy.",
  });
}

function pathOf(id: string, part?: string): string {
  return `/sandbox/${encodeURIComponent(id)}${part === undefined ? "" : `/${part}`}`;
}

function sandboxOf(json: unknown): BridgeSandbox | undefined {
  const id = stringField(json, "id");
  const createdAt = numberField(json, "createdAt");
  if (id === undefined || createdAt === undefined) return undefined;
  const labels = Object.fromEntries(
    Object.entries(objectField(json, "labels")).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
  const cwd = stringField(json, "cwd") ?? "";
  return { id, labels, cwd, createdAt, isRunning: stringField(json, "state") === "running" };
}

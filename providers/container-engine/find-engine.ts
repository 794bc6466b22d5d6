import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import type Dockerode from "dockerode";
import { SandboxAgentError } from "../../src/kit.ts";
import type { EngineOptions, EngineTls } from "./container-options.ts";
import { systemCodeOf, wordsOf } from "./engine-errors.ts";
import type { EngineKind } from "./engine-kind.ts";
import { loadDockerode } from "./load-dockerode.ts";

const pingTimeoutMs = 3000;

/** One place where an engine may answer. */
export interface EngineAddress {
  /** As it is shown in messages. */
  readonly name: string;
  readonly socketPath?: string;
  readonly url?: URL;
  readonly tls?: EngineTls;
}

/**
 * The places to look at, in order. An address that was named, by option or by a variable, is the only one: another
 * engine in its stead would be a surprise.
 *
 * @throws SandboxAgentError `provider_unavailable` for an address of a kind that cannot be used.
 */
export async function engineAddresses(
  kind: EngineKind,
  options: Pick<EngineOptions, "socketPath" | "host" | "tls">,
  environment: { readonly [name: string]: string | undefined },
): Promise<readonly EngineAddress[]> {
  if (options.socketPath !== undefined) return [socket(options.socketPath)];
  if (options.host !== undefined) return [parseHost(kind, options.host, options.tls, "option host")];
  const host = environment[kind.hostVariable];
  if (host !== undefined && host !== "") {
    const tls = options.tls ?? (await certificates(kind, environment));
    return [parseHost(kind, host, tls, kind.hostVariable)];
  }
  return kind.sockets(environment).map(socket);
}

function socket(path: string): EngineAddress {
  return { name: path, socketPath: path };
}

function parseHost(
  kind: EngineKind,
  host: string,
  tls: EngineTls | undefined,
  origin: string,
): EngineAddress {
  const pipe = /^(?:unix|npipe):\/\/(.+)$/.exec(host)?.[1];
  if (pipe !== undefined) return socket(pipe);
  if (host.startsWith("ssh://")) {
    throw unavailable(kind, [`${host}: ssh:// is not supported`], {
      remedy:
        "Forward the engine's socket, for example with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, " +
        `and pass ${kind.name}({ socketPath: "/tmp/docker.sock" }).`,
    });
  }
  const secure = tls !== undefined || host.startsWith("https://");
  const address = host.replace(/^tcp:\/\//, secure ? "https://" : "http://");
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw unavailable(kind, [`${origin} ${JSON.stringify(host)} is not an address`], {
      remedy: "Use unix:///path/of/the/socket, tcp://HOST:PORT or https://HOST:PORT.",
    });
  }
  return { name: host, url: new URL(address), ...(tls === undefined ? {} : { tls }) };
}

/** What the `docker` command reads for a `DOCKER_HOST` that wants TLS. */
async function certificates(
  kind: EngineKind,
  environment: { readonly [name: string]: string | undefined },
): Promise<EngineTls | undefined> {
  if ((environment["DOCKER_TLS_VERIFY"] ?? "") === "") return undefined;
  const folder = environment["DOCKER_CERT_PATH"] ?? join(homedir(), ".docker");
  try {
    const [ca, cert, key] = await Promise.all(
      ["ca.pem", "cert.pem", "key.pem"].map((name) => readFile(join(folder, name), "utf8")),
    );
    return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  } catch (cause) {
    throw unavailable(kind, [`${folder}: ${wordsOf(cause)}`], {
      cause,
      remedy: "Put ca.pem, cert.pem and key.pem into DOCKER_CERT_PATH, or unset DOCKER_TLS_VERIFY.",
    });
  }
}

/**
 * Resolves to a client of the first engine that answers.
 *
 * @throws SandboxAgentError `provider_unavailable`, which lists each place and why it failed.
 */
export async function findEngine(
  kind: EngineKind,
  options: Pick<EngineOptions, "socketPath" | "host" | "tls">,
): Promise<Dockerode> {
  const Client = await loadDockerode(`${kind.name}()`);
  const failures: string[] = [];
  let cause: unknown;
  for (const address of await engineAddresses(kind, options, process.env)) {
    try {
      return await answering(Client, address);
    } catch (error) {
      failures.push(`${address.name}: ${reasonOf(error)}`);
      if (systemCodeOf(error) !== "ENOENT") cause ??= error;
    }
  }
  throw unavailable(kind, failures, { cause });
}

async function answering(Client: typeof Dockerode, address: EngineAddress): Promise<Dockerode> {
  const options = clientOptions(address);
  const engine = new Client(options);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${pingTimeoutMs} ms`));
      // Or the request, which has no end of its own, keeps the host's event loop going.
      options.agent.destroy();
    }, pingTimeoutMs);
  });
  try {
    await Promise.race([engine.ping(), silence]);
    return engine;
  } finally {
    clearTimeout(timer);
  }
}

function clientOptions(address: EngineAddress): Dockerode.DockerOptions & { readonly agent: Agent } {
  // The client would take what is missing here from DOCKER_HOST, so that each field is given.
  const base = { ca: undefined, cert: undefined, key: undefined, port: undefined, ...address.tls };
  // Connections are not kept: an engine that closes an idle one would fail the request that is just being sent on it,
  // and a connection to a socket costs a tenth of a millisecond.
  const keepAlive = false;
  if (address.url === undefined) {
    const agent = new Agent({ keepAlive });
    return { ...base, host: undefined, socketPath: address.socketPath, protocol: "http", agent };
  }
  const secure = address.url.protocol === "https:";
  return {
    ...base,
    host: address.url.hostname,
    port: address.url.port === "" ? (secure ? 2376 : 2375) : address.url.port,
    protocol: secure ? "https" : "http",
    agent: secure ? new TlsAgent({ keepAlive }) : new Agent({ keepAlive }),
  };
}

function reasonOf(error: unknown): string {
  const code = systemCodeOf(error);
  const known = code === undefined ? undefined : meanings[code];
  return known === undefined || code === undefined ? (code ?? wordsOf(error)) : `${code} (${known})`;
}

const meanings: { readonly [code: string]: string } = {
  ENOENT: "there is no such socket",
  EACCES: "this user may not use the socket",
  ECONNREFUSED: "nothing listens there",
};

function unavailable(
  kind: EngineKind,
  tried: readonly string[],
  options: { readonly cause?: unknown; readonly remedy?: string } = {},
): SandboxAgentError<"provider_unavailable"> {
  return new SandboxAgentError(
    "provider_unavailable",
    `No ${kind.title} engine answers. Tried:\n${tried.map((line) => `  ${line}`).join("\n")}`,
    {
      details: { provider: kind.name, tried },
      cause: options.cause,
      remedy: options.remedy ?? kind.remedy,
    },
  );
}

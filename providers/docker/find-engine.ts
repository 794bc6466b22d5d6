import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import type Dockerode from "dockerode";
import { SandboxAgentError } from "../../src/kit.ts";
import type { DockerOptions, DockerTls } from "./docker-options.ts";
import { systemCodeOf, wordsOf } from "./engine-errors.ts";
import { loadDockerode } from "./load-dockerode.ts";

const pingTimeoutMs = 3000;

/** One place where an engine may answer. */
export interface EngineAddress {
  /** As it is shown in messages. */
  readonly name: string;
  readonly socketPath?: string;
  readonly url?: URL;
  readonly tls?: DockerTls;
}

/**
 * The places to look at, in order. An address that was named, by option or by `DOCKER_HOST`, is the only one: another
 * engine in its stead would be a surprise.
 *
 * @throws SandboxAgentError `provider_unavailable` for an address of a kind that cannot be used.
 */
export async function engineAddresses(
  options: Pick<DockerOptions, "socketPath" | "host" | "tls">,
  environment: { readonly [name: string]: string | undefined },
): Promise<readonly EngineAddress[]> {
  if (options.socketPath !== undefined) return [socket(options.socketPath)];
  if (options.host !== undefined) return [parseHost(options.host, options.tls, "option host")];
  const host = environment["DOCKER_HOST"];
  if (host !== undefined && host !== "") {
    return [parseHost(host, options.tls ?? (await certificates(environment)), "DOCKER_HOST")];
  }
  if (process.platform === "win32") return [socket("//./pipe/docker_engine")];
  const runtime = environment["XDG_RUNTIME_DIR"];
  const inRuntime = (name: string) => (runtime === undefined ? [] : [join(runtime, name)]);
  const home = homedir();
  return [
    "/var/run/docker.sock",
    join(home, ".docker/run/docker.sock"),
    join(home, ".docker/desktop/docker.sock"),
    join(home, ".colima/default/docker.sock"),
    ...inRuntime("docker.sock"),
    ...inRuntime("podman/podman.sock"),
    "/run/podman/podman.sock",
  ].map(socket);
}

function socket(path: string): EngineAddress {
  return { name: path, socketPath: path };
}

function parseHost(host: string, tls: DockerTls | undefined, origin: string): EngineAddress {
  const pipe = /^(?:unix|npipe):\/\/(.+)$/.exec(host)?.[1];
  if (pipe !== undefined) return socket(pipe);
  if (host.startsWith("ssh://")) {
    throw unavailable([`${host}: ssh:// is not supported`], {
      remedy:
        "Forward the engine's socket, for example with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, " +
        'and pass docker({ socketPath: "/tmp/docker.sock" }).',
    });
  }
  const secure = tls !== undefined || host.startsWith("https://");
  const address = host.replace(/^tcp:\/\//, secure ? "https://" : "http://");
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw unavailable([`${origin} ${JSON.stringify(host)} is not an address`], {
      remedy: "Use unix:///path/of/the/socket, tcp://HOST:PORT or https://HOST:PORT.",
    });
  }
  return { name: host, url: new URL(address), ...(tls === undefined ? {} : { tls }) };
}

/** What the `docker` command reads for a `DOCKER_HOST` that wants TLS. */
async function certificates(environment: {
  readonly [name: string]: string | undefined;
}): Promise<DockerTls | undefined> {
  if ((environment["DOCKER_TLS_VERIFY"] ?? "") === "") return undefined;
  const folder = environment["DOCKER_CERT_PATH"] ?? join(homedir(), ".docker");
  try {
    const [ca, cert, key] = await Promise.all(
      ["ca.pem", "cert.pem", "key.pem"].map((name) => readFile(join(folder, name), "utf8")),
    );
    return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  } catch (cause) {
    throw unavailable([`${folder}: ${wordsOf(cause)}`], {
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
  options: Pick<DockerOptions, "socketPath" | "host" | "tls">,
): Promise<Dockerode> {
  const Client = await loadDockerode();
  const failures: string[] = [];
  let cause: unknown;
  for (const address of await engineAddresses(options, process.env)) {
    try {
      return await answering(Client, address);
    } catch (error) {
      failures.push(`${address.name}: ${reasonOf(error)}`);
      if (systemCodeOf(error) !== "ENOENT") cause ??= error;
    }
  }
  throw unavailable(failures, { cause });
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
  tried: readonly string[],
  options: { readonly cause?: unknown; readonly remedy?: string } = {},
): SandboxAgentError<"provider_unavailable"> {
  return new SandboxAgentError(
    "provider_unavailable",
    `No Docker engine answers. Tried:\n${tried.map((line) => `  ${line}`).join("\n")}`,
    {
      details: { provider: "docker", tried },
      cause: options.cause,
      remedy:
        options.remedy ??
        "Start Docker or Podman, or name the engine with docker({ socketPath }) or DOCKER_HOST; on EACCES add the " +
          "user to the group that owns the socket.",
    },
  );
}

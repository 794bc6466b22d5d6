import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { CoreV1Api, CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import { SandboxAgentError } from "../../src/kit.ts";
import { credentialVariables, providerName, wordsOf } from "./api-errors.ts";
import type { KubernetesSettings } from "./kubernetes-options.ts";
import { type Client, type LoadedClient, type SocketClass, loadClient } from "./load-client.ts";

/** A cluster as this process reaches it. */
export interface Cluster {
  readonly config: KubeConfig;
  readonly pods: CoreV1Api;
  readonly objects: CustomObjectsApi;
  readonly Pod: Client["V1Pod"];
  readonly WebSocket: SocketClass;
  readonly namespace: string;
  readonly requestTimeoutMs: number;
}

const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Loads the client and the credential; sends nothing. */
export async function findCluster(settings: KubernetesSettings): Promise<Cluster> {
  const loaded = await loadClient();
  const config = await loadConfig(loaded, settings);
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw noCredential("The kubeconfig has no current context, or the context no cluster.");
  const { client } = loaded;
  const configuration = client.createConfiguration({
    baseServer: new client.ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (request) => {
          request.setSignal(AbortSignal.timeout(settings.requestTimeoutMs));
          return Promise.resolve(request);
        },
        post: (response) => Promise.resolve(response),
      },
    ],
  });
  return {
    config,
    pods: new client.CoreV1Api(configuration),
    objects: new client.CustomObjectsApi(configuration),
    Pod: client.V1Pod,
    WebSocket: loaded.WebSocket,
    namespace:
      settings.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    requestTimeoutMs: settings.requestTimeoutMs,
  };
}

async function loadConfig({ client }: LoadedClient, settings: KubernetesSettings): Promise<KubeConfig> {
  const config = new client.KubeConfig();
  const { server, token, certificateAuthority, kubeconfig, context } = settings;
  if (server !== undefined) {
    config.loadFromClusterAndUser(
      {
        name: "cluster",
        server: server.replace(/\/+$/, ""),
        // The client refuses to speak HTTP, as `kubectl proxy` does, unless it is told not to look for a certificate.
        skipTLSVerify: server.startsWith("http:"),
        ...(certificateAuthority === undefined
          ? {}
          : { caData: Buffer.from(certificateAuthority).toString("base64") }),
      },
      { name: "user", ...(token === undefined ? {} : { token }) },
    );
    return config;
  }
  try {
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else if (await hasFile()) config.loadFromDefault();
    else if (await exists(serviceAccountToken)) config.loadFromCluster();
    else throw noCredential("There is no kubeconfig, and this process runs in no pod.");
  } catch (error) {
    if (SandboxAgentError.is(error)) throw error;
    throw noCredential(`The kubeconfig cannot be read: ${wordsOf(error)}`, error);
  }
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const names = config.getContexts().map(({ name }) => name);
    throw noCredential(
      `The kubeconfig has no context ${JSON.stringify(context)}; it has: ${names.join(", ") || "none"}.`,
    );
  }
  config.setCurrentContext(context);
  return config;
}

async function hasFile(): Promise<boolean> {
  if ((process.env["KUBECONFIG"] ?? "") !== "") return true;
  return exists(join(homedir(), ".kube", "config"));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function noCredential(why: string, cause?: unknown): SandboxAgentError<"provider_authentication_failed"> {
  return new SandboxAgentError("provider_authentication_failed", `kubernetes() has no credential. ${why}`, {
    details: { provider: providerName, variables: [...credentialVariables] },
    cause,
    remedy: 'Set KUBECONFIG, or give "kubeconfig", or "server" and "token".',
  });
}

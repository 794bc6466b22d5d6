import type { KubeConfig } from "@kubernetes/client-node";
import { ApiRefusal } from "./api-errors.ts";
import type { Cluster } from "./cluster.ts";
import type { RefusedResponse, Socket } from "./load-client.ts";

const longestRefusalBytes = 64 * 1024;

/** What the socket of a sub-resource says, in the order in which it comes. */
export interface SocketListener {
  /** A frame of the channel with this number. */
  message(channel: number, payload: Buffer): void;
  closed(): void;
}

/** Half-closing standard input came with this one; the API server has it since Kubernetes 1.30. */
export const closingProtocol = "v5.channel.k8s.io";
export const olderProtocol = "v4.channel.k8s.io";

/**
 * Opens a WebSocket to a sub-resource of a pod, with the client's own credential.
 *
 * @throws ApiRefusal where the API server answers with a status instead.
 */
export async function openSocket(
  cluster: Cluster,
  path: string,
  query: URLSearchParams,
  protocols: readonly string[],
  listener: SocketListener,
): Promise<Socket> {
  const { server } = currentCluster(cluster.config);
  const options = {};
  await cluster.config.applyToHTTPSOptions(options);
  const address = `${server.replace(/^http/, "ws")}${path}?${query.toString()}`;
  const socket = new cluster.WebSocket(address, protocols, {
    ...options,
    handshakeTimeout: cluster.requestTimeoutMs,
    perMessageDeflate: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error("The connection was closed."));
      listener.closed();
    });
    socket.on("unexpected-response", (_request, response) => {
      void refusal(response).then((error) => {
        reject(error);
        socket.terminate();
      });
    });
    socket.on("message", (data, isBinary) => {
      const channel = data[0];
      if (isBinary && channel !== undefined) listener.message(channel, data.subarray(1));
    });
  });
  return socket;
}

function currentCluster(config: KubeConfig): { readonly server: string } {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("The kubeconfig has no current cluster.");
  return cluster;
}

async function refusal(response: RefusedResponse): Promise<ApiRefusal> {
  let body = "";
  try {
    for await (const chunk of response) {
      body += Buffer.from(chunk).toString();
      if (body.length > longestRefusalBytes) break;
    }
  } catch {
    // The status tells enough.
  }
  return new ApiRefusal(response.statusCode ?? 0, body, response.headers);
}

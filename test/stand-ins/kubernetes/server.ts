/**
 * A stand-in for a cluster of Kubernetes, as described at https://kubernetes.io/docs/reference/kubernetes-api/ (pods),
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/ (names, labels, annotations) and KEP 4006 (exec over
 * WebSockets, sub-protocols `v4.channel.k8s.io` and `v5.channel.k8s.io`): REST for pods, watches of them, exec with
 * terminals, port forwarding, pod metrics.
 *
 * Its traits: a pod is a folder with real processes of this machine, of which the main one decides when the pod ends; an
 * exec ends when everybody has closed its outputs, as with containerd; with v4 the end of the input is the end of the
 * connection; what has ended stays until it is deleted. What is not there: limits of resources, isolation, admission by
 * anything but the rules for names.
 */
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { Fleet } from "../kit/fleet.ts";
import {
  Answer,
  HttpError,
  type StandInRequest,
  StandInServer,
  type UpgradeHandler,
} from "../kit/http-server.ts";
import { serveExec } from "./exec.ts";
import { Changes } from "./changes.ts";
import { StandInPod, standInImages } from "./pod.ts";
import { servePortForward } from "./port-forward.ts";
import { checkPod, selectedBy } from "./validation.ts";

export { standInImages };

export interface KubernetesStandInOptions {
  /** Default `"stand-in-token"`. */
  readonly token?: string;
  /** Those that there are; default `default` and `agents`. */
  readonly namespaces?: readonly string[];
  /** Those in which the token may do nothing; default `kube-system`. */
  readonly forbidden?: readonly string[];
  /** Whether it speaks `v4.channel.k8s.io` only, as before Kubernetes 1.30. */
  readonly isOld?: boolean;
  /** Whether a metrics server is installed; default `true`. */
  readonly hasMetrics?: boolean;
  /** What becomes of watches; by default they are answered. */
  readonly watches?: "refused" | "silent" | "cut";
  /** How long a node takes to start a container; default 20. */
  readonly startDelayMs?: number;
}

export interface KubernetesStandIn {
  readonly server: StandInServer;
  readonly url: string;
  readonly token: string;
  /** By namespace and name. */
  readonly pods: ReadonlyMap<string, StandInPod>;
  /** The addresses of all WebSockets that were asked for. */
  readonly addresses: readonly string[];
  /** How many bytes of output were handed to the connections. */
  sentBytes(): number;
  stop(): Promise<void>;
}

const podsPath = "/api/v1/namespaces/:namespace/pods";
const podPath = `${podsPath}/:name`;

export async function startKubernetes(options: KubernetesStandInOptions = {}): Promise<KubernetesStandIn> {
  const cluster = new StandInCluster(options);
  await cluster.server.start();
  return cluster;
}

class StandInCluster implements KubernetesStandIn {
  readonly server: StandInServer;
  readonly token: string;
  readonly pods = new Map<string, StandInPod>();
  readonly addresses: string[] = [];
  readonly #options: KubernetesStandInOptions;
  readonly #changes = new Changes();
  readonly #fleet = new Fleet();
  #sent = 0;

  constructor(options: KubernetesStandInOptions) {
    this.#options = options;
    this.token = options.token ?? "stand-in-token";
    this.server = new StandInServer({
      // As Go's server.
      maxHeaderBytes: 1024 * 1024,
      errorBody: (status, message) => statusObject(status, message),
      guard: (request) => {
        this.#authorize(request);
      },
    });
    this.server
      .route("POST", podsPath, (request) => this.#create(request))
      .route("GET", podsPath, (request) =>
        request.query.get("watch") === "true" ? this.#watch(request) : this.#list(request),
      )
      .route("GET", podPath, (request) => this.#found(request.parameters).toJson())
      .route("DELETE", podPath, (request) => this.#delete(request))
      .route("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/:namespace/pods/:name", (request) =>
        this.#metrics(request),
      );
    this.#socket(`${podPath}/exec`, options.isOld === true ? ["v4"] : ["v5", "v4"], (socket, pod, query) =>
      serveExec(socket, pod, query, (bytes) => (this.#sent += bytes)),
    );
    this.#socket(`${podPath}/portforward`, ["v4"], servePortForward);
  }

  get url(): string {
    return this.server.url;
  }

  sentBytes(): number {
    return this.#sent;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.pods.values()].map((pod) => pod.remove(0)));
    await this.server.stop();
    await this.#fleet.stop();
  }

  #authorize({ headers, path }: Pick<StandInRequest, "headers" | "path">): void {
    if (headers.authorization !== `Bearer ${this.token}`) throw new HttpError(401, "Unauthorized");
    const [, namespace = ""] = /\/namespaces\/([^/]+)/.exec(path) ?? [];
    if ((this.#options.forbidden ?? ["kube-system"]).includes(namespace)) {
      throw new HttpError(
        403,
        `pods is forbidden: User "stand-in" cannot use resource "pods" in API group "" in the namespace "${namespace}"`,
      );
    }
  }

  async #create(request: StandInRequest): Promise<Answer> {
    const { namespace = "" } = request.parameters;
    if (!(this.#options.namespaces ?? ["default", "agents"]).includes(namespace)) {
      throw new HttpError(404, `namespaces "${namespace}" not found`);
    }
    const manifest = checkPod(await request.json());
    const key = `${namespace}/${manifest.name}`;
    if (this.pods.has(key)) throw new HttpError(409, `pods "${manifest.name}" already exists`);
    const pod = new StandInPod(namespace, manifest, this.#fleet, (type) => {
      if (type === "DELETED" && !this.pods.delete(key)) return;
      this.#changes.add(type, pod);
    });
    this.pods.set(key, pod);
    this.#changes.add("ADDED", pod);
    pod.start(this.#options.startDelayMs ?? 20);
    return new Answer(201, pod.toJson());
  }

  #watch(request: StandInRequest): undefined {
    const { watches } = this.#options;
    if (watches === "refused") throw new HttpError(403, 'User "stand-in" cannot watch resource "pods"');
    if (watches === "silent") return undefined;
    const { parameters, query, response } = request;
    const [, name = ""] = /^metadata\.name=(.+)$/.exec(query.get("fieldSelector") ?? "") ?? [];
    const all = [...this.pods.values()].filter(({ namespace }) => namespace === parameters["namespace"]);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (watches === "cut") {
      response.destroy();
      return undefined;
    }
    const version = query.get("resourceVersion") ?? undefined;
    const pods = all.filter(({ manifest }) => manifest.name === name);
    const stop = this.#changes.follow({ name, version, pods }, (event) => {
      response.write(`${JSON.stringify(event)}\n`);
    });
    response.once("close", stop);
    return undefined;
  }

  #list({ parameters, query }: StandInRequest): unknown {
    const isSelected = selectedBy(query.get("labelSelector") ?? "");
    const all = [...this.pods.values()].filter(
      (pod) => pod.namespace === parameters["namespace"] && isSelected(pod.manifest.labels),
    );
    const from = Number(query.get("continue") ?? 0);
    const limit = Number(query.get("limit") ?? 0) || all.length;
    const metadata = {
      resourceVersion: "1",
      ...(from + limit < all.length ? { continue: String(from + limit) } : {}),
    };
    const items = all.slice(from, from + limit).map((pod) => pod.toJson());
    return { kind: "PodList", apiVersion: "v1", metadata, items };
  }

  #delete({ parameters, query }: StandInRequest): unknown {
    const pod = this.#found(parameters);
    void pod.remove(Number(query.get("gracePeriodSeconds") ?? pod.manifest.gracePeriodSeconds));
    return pod.toJson();
  }

  async #metrics({ parameters }: StandInRequest): Promise<unknown> {
    if (this.#options.hasMetrics === false) throw new HttpError(404, "404 page not found");
    const pod = this.#found(parameters);
    const { name } = pod.manifest;
    return {
      kind: "PodMetrics",
      apiVersion: "metrics.k8s.io/v1beta1",
      metadata: { name, namespace: pod.namespace },
      window: "15s",
      containers: [{ name: pod.manifest.container.name, usage: await pod.usage() }],
    };
  }

  #found({ namespace = "", name = "" }: StandInRequest["parameters"]): StandInPod {
    const pod = this.pods.get(`${namespace}/${name}`);
    if (pod === undefined) throw new HttpError(404, `pods "${name}" not found`);
    return pod;
  }

  #socket(
    pattern: string,
    versions: readonly string[],
    serve: (socket: WebSocket, pod: StandInPod, query: URLSearchParams) => unknown,
  ): void {
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      handleProtocols: (offered) =>
        versions.map((version) => `${version}.channel.k8s.io`).find((name) => offered.has(name)) ?? false,
    });
    const upgrade: UpgradeHandler = (request, duplex, head) => {
      this.addresses.push(request.raw.url ?? "");
      let pod: StandInPod;
      try {
        this.#authorize(request);
        pod = this.#found(request.parameters);
        if (pod.phase !== "Running") {
          const words = `cannot exec into a container in a completed pod; current phase is ${pod.phase}`;
          throw new HttpError(400, words);
        }
      } catch (error) {
        refuse(duplex, error);
        return;
      }
      sockets.handleUpgrade(request.raw, duplex, head, (socket) => {
        serve(socket, pod, request.query);
      });
    };
    this.server.upgrade(pattern, upgrade);
  }
}

function refuse(duplex: Duplex, error: unknown): void {
  const { status, message } = error instanceof HttpError ? error : new HttpError(500, String(error));
  const body = JSON.stringify(statusObject(status, message));
  duplex.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const reasons: { readonly [status: number]: string } = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "AlreadyExists",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
};

function statusObject(code: number, message: string): object {
  const reason = reasons[code] ?? "Unknown";
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

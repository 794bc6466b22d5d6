import { type IncomingMessage, type RequestOptions, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { LineDecoder, parseJson, stringField } from "../../src/kit.ts";
import type { Cluster } from "./cluster.ts";

/** `"nothing"`: the time is over, or the watch. */
export type PodNews = "changed" | "gone" | "nothing";

/** Of a pod's annotations alone there may be 256 KiB. */
const longestEventBytes = 4 * 1024 * 1024;

/**
 * Tells the changes of a pod as soon as they come, by a watch of the API server. Whoever waits looks at the pod by himself
 * now and then, since a watch may be refused, come to its end, or be held up by what stands in front of the API server.
 *
 * The client's own class for this cannot be given up before the API server has answered.
 */
export class PodWatch {
  readonly #abort = new AbortController();
  #news: PodNews = "nothing";
  #isOver = false;
  #wake: () => void = () => undefined;

  /** Tells what came after that version, by which no change is missed between two requests. */
  static open(cluster: Cluster, name: string, resourceVersion: string | undefined): PodWatch {
    const watch = new PodWatch();
    void watch
      .#follow(cluster, name, resourceVersion)
      .catch(() => undefined)
      .then(() => {
        watch.#isOver = true;
        watch.#wake();
      });
    return watch;
  }

  /** Whether nothing will be told any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves at the next change, when the watch is over, or after that time; what came meanwhile is told at once. */
  async next(atMostMs: number, signal?: AbortSignal): Promise<PodNews> {
    if (this.#news === "nothing" && signal?.aborted !== true) {
      const wasOver = this.#isOver;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, atMostMs);
        const done = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        signal?.addEventListener("abort", done, { once: true });
        if (!wasOver) this.#wake = done;
      });
    }
    const news = this.#news;
    this.#news = "nothing";
    return news;
  }

  close(): void {
    this.#abort.abort();
  }

  async #follow(cluster: Cluster, name: string, resourceVersion: string | undefined): Promise<void> {
    const query = new URLSearchParams({ watch: "true", fieldSelector: `metadata.name=${name}` });
    if (resourceVersion !== undefined) query.set("resourceVersion", resourceVersion);
    const response = await this.#request(
      cluster,
      `/api/v1/namespaces/${cluster.namespace}/pods?${query.toString()}`,
    );
    if (response.statusCode !== 200) {
      response.destroy();
      return;
    }
    const lines = new LineDecoder({ maxLineBytes: longestEventBytes });
    for await (const chunk of response) {
      for (const line of lines.push(Buffer.from(chunk as Uint8Array))) {
        if (typeof line !== "string" || !this.#take(line)) return;
      }
    }
  }

  async #request({ config }: Cluster, path: string): Promise<IncomingMessage> {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const address = `${config.getCurrentCluster()?.server ?? ""}${path}`;
    const send = address.startsWith("https:") ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(address, { ...options, signal: this.#abort.signal }, resolve);
      request.on("error", reject);
      request.end();
    });
  }

  /** Whether there may be more to tell. */
  #take(line: string): boolean {
    const event = parseJson(line);
    const type = stringField(event, "type");
    // A version that the API server does not know any more, for example.
    if (type === undefined || type === "ERROR") return false;
    if (type === "BOOKMARK") return true;
    this.#news = type === "DELETED" ? "gone" : "changed";
    this.#wake();
    return this.#news !== "gone";
  }
}

import type Dockerode from "dockerode";
import {
  type CreateOptions,
  type Labels,
  SandboxAgentError,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
} from "../../src/kit.ts";
import type { ContainerSettings } from "./container-options.ts";
import { labelsIn } from "./inherited-labels.ts";
import { isUnreachable, statusOf, wordsOf } from "./engine-errors.ts";

/** What the container takes over from its image. */
export interface ImageFacts {
  readonly id: string;
  readonly user: string;
  readonly labels: Labels;
}

/**
 * Makes sure that the image is there.
 *
 * @throws SandboxAgentError `image_unavailable`.
 */
export async function ensureImage(
  engine: Dockerode,
  settings: ContainerSettings,
  options: CreateOptions,
): Promise<ImageFacts> {
  if (settings.pull !== "always") {
    const facts = await inspectImage(engine, settings.image);
    if (facts !== undefined) return facts;
    if (settings.pull === "never") {
      throw imageUnavailable(
        settings.image,
        "It is not on the engine's machine, and may not be fetched (pull: never).",
      );
    }
  }
  options.signal?.throwIfAborted();
  await pull(engine, settings, options);
  const facts = await inspectImage(engine, settings.image);
  if (facts === undefined)
    throw imageUnavailable(settings.image, "The engine does not know it after fetching it.");
  return facts;
}

export async function inspectImage(engine: Dockerode, image: string): Promise<ImageFacts | undefined> {
  try {
    const { Id: id, Config: config } = await engine.getImage(image).inspect();
    return { id, user: stringField(config, "User") ?? "", labels: labelsIn(config) };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    if (isUnreachable(error)) throw error;
    throw imageUnavailable(image, wordsOf(error), error);
  }
}

async function pull(engine: Dockerode, settings: ContainerSettings, options: CreateOptions): Promise<void> {
  const { image, platform, registryAuth } = settings;
  const { signal, onProgress } = options;
  onProgress?.({ phase: "pull", message: `Pulling ${image}` });
  let stream: NodeJS.ReadableStream;
  try {
    stream = await engine.pull(withTag(image), {
      ...(platform === undefined ? {} : { platform }),
      ...(registryAuth === undefined
        ? {}
        : {
            authconfig: {
              username: registryAuth.username,
              password: registryAuth.password,
              serveraddress: registryAuth.serverAddress ?? registryOf(image),
            },
          }),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (isUnreachable(error)) throw error;
    throw imageUnavailable(image, wordsOf(error), error);
  }
  const progress = new PullProgress();
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const entry = parseJson(line);
        const failure = stringField(entry, "error");
        if (failure !== undefined) throw imageUnavailable(image, failure);
        if (isJsonObject(entry)) progress.take(entry);
      }
      const { fraction, message } = progress;
      onProgress?.({
        phase: "pull",
        message: `${image}: ${message}`,
        ...(fraction === undefined ? {} : { fraction }),
      });
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (SandboxAgentError.is(error)) throw error;
    throw imageUnavailable(image, `The transfer broke off: ${wordsOf(error)}`, error);
  }
  signal?.throwIfAborted();
}

/** Sums up the layers: fetching counts for one half of each, unpacking for the other. */
export class PullProgress {
  readonly #layers = new Map<string, { readonly bytes: number; readonly done: number }>();
  message = "";
  /** Never goes back, although layers become known one after the other. */
  fraction: number | undefined;

  take(entry: unknown): void {
    const status = stringField(entry, "status") ?? "";
    const id = stringField(entry, "id");
    this.message = id === undefined ? status : `${status} ${id}`;
    if (id === undefined) return;
    const detail = objectField(entry, "progressDetail");
    const total = numberField(detail, "total") ?? this.#layers.get(id)?.bytes ?? 0;
    const part = total === 0 ? 0 : Math.min((numberField(detail, "current") ?? 0) / total, 1);
    const done = stages[status]?.(part);
    if (done === undefined) return;
    this.#layers.set(id, { bytes: total, done });
    let [bytes, sum] = [0, 0];
    for (const layer of this.#layers.values()) {
      bytes += layer.bytes;
      sum += layer.bytes * layer.done;
    }
    if (bytes > 0) this.fraction = Math.max(this.fraction ?? 0, sum / bytes);
  }
}

const stages: { readonly [status: string]: (part: number) => number } = {
  "Pulling fs layer": () => 0,
  Downloading: (part) => part / 2,
  "Verifying Checksum": () => 0.5,
  "Download complete": () => 0.5,
  Extracting: (part) => 0.5 + part / 2,
  "Pull complete": () => 1,
  "Already exists": () => 1,
};

/** Without a tag the engine would fetch every tag there is. */
export function withTag(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return name.includes(":") || name.includes("@") ? image : `${image}:latest`;
}

function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : "https://index.docker.io/v1/";
}

export function imageUnavailable(
  image: string,
  why: string,
  cause?: unknown,
): SandboxAgentError<"image_unavailable"> {
  return new SandboxAgentError(
    "image_unavailable",
    `The image ${JSON.stringify(image)} cannot be used: ${why}`,
    {
      details: { image },
      cause,
    },
  );
}

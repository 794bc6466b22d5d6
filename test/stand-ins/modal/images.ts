import { arrayField, numberField, objectField, stringField } from "../../../src/kit/json.ts";
import { FileCopies } from "../kit/file-copies.ts";
import type { StandInMachine } from "../kit/machines.ts";
import { type Handler, type Message, codes, grpc } from "./grpc.ts";

/** An image that there is not. */
export const missingImage = "registry.example/not-there:1";

interface Image {
  /** Absent: a registry's. */
  readonly files?: string;
}

/** Images: those of a registry, which are built by their names, and those that snapshots were made into. */
export class Images {
  readonly #images = new Map<string, Image>();
  readonly #built = new Map<string, string>();
  readonly #published = new Map<string, string>();
  /** By the id that the client has for its request, which it may repeat. */
  readonly #taken = new Map<string, Promise<string>>();
  readonly #copies = new FileCopies();
  #count = 0;

  /** Of which a sandbox is made; a snapshot's files. */
  filesOf(imageId: string): string | undefined {
    return this.#found(imageId).files;
  }

  /** The ids of the snapshots that there are. */
  get snapshots(): readonly string[] {
    return [...this.#images].filter(([, { files }]) => files !== undefined).map(([id]) => id);
  }

  async snapshot(machine: StandInMachine, request: Message): Promise<Message> {
    const seconds = numberField(request, "ttlSeconds") ?? 0;
    if (seconds !== -1 && seconds < 1) {
      throw new grpc.ServerError(codes.invalidArgument, "ttl_seconds must be set.");
    }
    const snapshotId = stringField(request, "snapshotId") ?? "";
    let taken = this.#taken.get(snapshotId);
    if (taken === undefined) {
      taken = this.#copies.make(machine.folder).then((files) => this.#add({ files }));
      this.#taken.set(snapshotId, taken);
    }
    return { imageId: await taken };
  }

  stop(): Promise<void> {
    return this.#copies.stop();
  }

  handlers(): { readonly [name: string]: Handler } {
    return {
      imageGetOrCreate: (request) => {
        const [from = ""] = arrayField(objectField(request, "image"), "dockerfileCommands");
        const tag = String(from).replace(/^FROM /, "");
        const imageId = this.#built.get(tag) ?? this.#add({});
        this.#built.set(tag, imageId);
        const isThere = tag !== missingImage;
        const exception = isThere ? "" : `Image build failed: ${tag} not found`;
        return Promise.resolve({ imageId, result: { status: isThere ? 1 : 2, exception } });
      },
      imageFromId: (request) => {
        const imageId = stringField(request, "imageId") ?? "";
        this.#found(imageId);
        return Promise.resolve({ imageId });
      },
      imageDelete: async (request) => {
        const imageId = stringField(request, "imageId") ?? "";
        const { files } = this.#found(imageId);
        this.#images.delete(imageId);
        if (files !== undefined) await this.#copies.remove(files);
        return {};
      },
      // The tag is a name without a version, which is the newest one.
      imagePublish: (request) => {
        const imageId = stringField(request, "imageId") ?? "";
        this.#found(imageId);
        this.#published.set(nameOf(request), imageId);
        return Promise.resolve({ imageId });
      },
      imageGetByTag: (request) => {
        const imageId = this.#published.get(nameOf(request));
        if (imageId === undefined) throw new grpc.ServerError(codes.notFound, "There is no such image.");
        return Promise.resolve({ imageId });
      },
    };
  }

  #add(image: Image): string {
    const id = `im-${++this.#count}`;
    this.#images.set(id, image);
    return id;
  }

  #found(imageId: string): Image {
    const image = this.#images.get(imageId);
    if (image === undefined) {
      throw new grpc.ServerError(codes.failedPrecondition, `Could not find image with ID ${imageId}`);
    }
    return image;
  }
}

function nameOf(request: Message): string {
  const name = stringField(request, "tag") ?? "";
  if (!/^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)?$/.test(name)) {
    throw new grpc.ServerError(codes.invalidArgument, `Invalid image name: ${JSON.stringify(name)}`);
  }
  return name.replace(/:latest$/, "");
}

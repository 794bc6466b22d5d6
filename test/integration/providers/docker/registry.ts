import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A registry on the loopback interface that serves one image, as long as a test lets it. */
export interface Registry {
  /** Name of its image, by which the engine can pull it. */
  readonly image: string;
  /** Resolves when the engine has asked for the layer. */
  readonly layerAsked: Promise<void>;
  close(): Promise<void>;
}

export interface RegistryOptions {
  /** One layer, as an uncompressed tar archive. */
  readonly layer: Uint8Array;
  readonly user?: string;
  /** Sends the layer's first half only. */
  readonly isStuck?: boolean;
}

export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { layer, user = "", isStuck = false } = options;
  const configuration = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { User: user, Env: ["PATH=/bin"] },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    }),
  );
  const prefix = "application/vnd.docker";
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${prefix}.distribution.manifest.v2+json`,
      config: {
        mediaType: `${prefix}.container.image.v1+json`,
        size: configuration.length,
        digest: digestOf(configuration),
      },
      layers: [{ mediaType: `${prefix}.image.rootfs.diff.tar`, size: layer.length, digest: digestOf(layer) }],
    }),
  );
  let tellAsked: () => void = () => undefined;
  const layerAsked = new Promise<void>((resolve) => {
    tellAsked = resolve;
  });
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const [body, type] = path.includes("/manifests/")
      ? [manifest, `${prefix}.distribution.manifest.v2+json`]
      : path.endsWith(digestOf(configuration))
        ? [configuration, "application/octet-stream"]
        : path.endsWith(digestOf(layer))
          ? [layer, "application/octet-stream"]
          : [Buffer.from("{}"), "application/json"];
    response.writeHead(200, {
      "content-type": type,
      "content-length": body.length,
      ...(body === manifest ? { "docker-content-digest": digestOf(manifest) } : {}),
    });
    if (request.method === "HEAD") {
      response.end();
    } else if (body === layer && isStuck) {
      response.write(layer.subarray(0, layer.length / 2), tellAsked);
    } else {
      if (body === layer) tellAsked();
      response.end(body);
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    image: `127.0.0.1:${port}/test/image:1`,
    layerAsked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

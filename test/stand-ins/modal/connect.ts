import { randomUUID } from "node:crypto";
import { numberField, stringField } from "../../../src/kit/json.ts";
import { HttpError, StandInServer } from "../kit/http-server.ts";
import { passOn } from "../kit/pass-on.ts";
import type { Message } from "./grpc.ts";

/** What lets in whoever has a token made by the sandbox's owner, and leads to the port that the token is for. */
export class ConnectProxy {
  readonly #server: StandInServer;
  readonly #tokens = new Map<string, { readonly sandboxId: string; readonly port: number }>();

  constructor(isThere: (sandboxId: string) => boolean) {
    this.#server = new StandInServer().route("*", "*path", (request) => {
      const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
      const target = this.#tokens.get(token);
      if (target === undefined || !isThere(target.sandboxId))
        throw new HttpError(401, "Invalid connect token");
      passOn(request, target.port);
      return undefined;
    });
  }

  async start(): Promise<void> {
    await this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** The address is the sandbox's, whichever the port is. */
  token(request: Message): Message {
    const token = `ct-${randomUUID()}`;
    const sandboxId = stringField(request, "sandboxId") ?? "";
    this.#tokens.set(token, { sandboxId, port: numberField(request, "port") ?? 8080 });
    return { url: this.#server.url, token };
  }
}

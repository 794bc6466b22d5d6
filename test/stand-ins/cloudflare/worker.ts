/**
 * The Worker of docs/providers/cloudflare.md, in which the container's Durable Object is replaced. It is bundled for
 * workerd, and runs nowhere else.
 */
import { DurableObject } from "cloudflare:workers";
import { getSandbox } from "@cloudflare/sandbox";
import { createBridge } from "../../../providers/cloudflare/bridge/index.ts";

interface StandInEnv {
  readonly CONTAINERS: { fetch(url: string, init?: RequestInit): Promise<Response> };
}

interface ExecOptions {
  readonly cwd?: string;
  readonly env?: { readonly [name: string]: string };
  readonly timeout?: number;
}

/** What `getSandbox()` calls of the real class, with `enableDefaultSession: false`. */
export class Sandbox extends DurableObject<StandInEnv> {
  readonly #name = (): string => this.ctx.id.name ?? "";

  configure(): void {
    // Time-outs and transports are the container's, which is none here.
  }

  async execStreamWithSessionToken(
    command: string,
    _session: string,
    options: ExecOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#ask("POST", "exec", { command, ...options });
    if (body === null) throw new Error("The container did not answer.");
    return body;
  }

  async writeFile(
    path: string,
    content: string,
    options: { readonly encoding?: string } = {},
  ): Promise<unknown> {
    return (await this.#ask("POST", "write", { path, content, encoding: options.encoding })).json();
  }

  async callTunnels(method: string, args: readonly unknown[]): Promise<unknown> {
    return (await this.#ask("POST", "tunnels", { method, args })).json();
  }

  async destroy(): Promise<void> {
    await this.#ask("DELETE", "");
  }

  async #ask(method: string, part: string, body?: object): Promise<Response> {
    const answer = await this.env.CONTAINERS.fetch(`http://containers/${this.#name()}/${part}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.ok) return answer;
    throw new Error(await answer.text());
  }
}

const bridge = createBridge({ getSandbox });
export const { PlaypenRegistry } = bridge;
export default bridge.worker;

import { request as httpRequest } from "node:http";
import type { StandInRequest } from "./http-server.ts";

/** Hands a request on to a port of this machine, as a vendor's proxy does to a port of a sandbox. */
export function passOn({ raw, response }: StandInRequest, port: number | string): void {
  const { method, url = "/", headers } = raw;
  const onward = httpRequest({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.writeHead(502).end());
  raw.pipe(onward);
}

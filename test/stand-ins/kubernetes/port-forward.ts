import { connect } from "node:net";
import type { WebSocket } from "ws";
import type { StandInPod } from "./pod.ts";

/** Carries one connection to a port. Each channel begins with the port's number, its lower byte first. */
export function servePortForward(socket: WebSocket, _pod: StandInPod, query: URLSearchParams): void {
  const port = Number(query.get("ports"));
  const [data, error] = [0, 1];
  socket.on("error", () => undefined);
  for (const channel of [data, error]) socket.send(Buffer.of(channel, port & 0xff, port >> 8));
  const connection = connect(port, "127.0.0.1");
  connection.on("data", (chunk: Buffer) => {
    connection.pause();
    socket.send(Buffer.concat([Buffer.of(data), chunk]), () => connection.resume());
  });
  connection.on("error", ({ message }) => {
    socket.send(Buffer.concat([Buffer.of(error), Buffer.from(`error forwarding port ${port}: ${message}`)]));
  });
  connection.once("close", () => {
    socket.close(1000);
  });
  socket.on("message", (message: Buffer) => {
    if (message[0] !== data || connection.write(message.subarray(1))) return;
    socket.pause();
    connection.once("drain", () => {
      socket.resume();
    });
  });
  socket.once("close", () => connection.destroy());
}

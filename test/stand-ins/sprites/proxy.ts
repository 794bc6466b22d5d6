import { connect } from "node:net";
import type { WebSocket } from "ws";
import { numberField, parseJson } from "../../../src/kit/json.ts";

/** Carries one TCP connection to a port inside, which is a port of this machine. */
export async function carryPort(socket: WebSocket): Promise<void> {
  const first = await new Promise<string>((resolve) =>
    socket.once("message", (data) => {
      resolve(Buffer.isBuffer(data) ? data.toString() : "");
    }),
  );
  const port = numberField(parseJson(first), "port") ?? 0;
  const connection = connect(port, "127.0.0.1");
  connection.once("connect", () => {
    socket.send(JSON.stringify({ status: "connected", target: `127.0.0.1:${port}` }));
  });
  connection.on("error", (error) => {
    if (connection.connecting || connection.bytesRead === 0) {
      socket.send(JSON.stringify({ status: "error", target: error.message }), () => undefined);
    }
    socket.close();
  });
  connection.on("data", (chunk: Buffer) => {
    connection.pause();
    socket.send(chunk, () => {
      connection.resume();
    });
  });
  connection.once("end", () => {
    socket.close();
  });
  socket.on("message", (data, isBinary) => {
    if (isBinary && Buffer.isBuffer(data)) connection.write(data);
  });
  socket.once("close", () => connection.destroy());
}

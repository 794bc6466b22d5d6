import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { ExecConnection } from "../../../../providers/container-engine/exec-connection.ts";
import { frame } from "./frames.ts";

/** The engine's side of a connection, in memory: what is not read stays with the engine. */
class Engine extends Duplex {
  readonly received: string[] = [];
  inputEnded = false;
  readonly #frames: Buffer[];
  #over = false;

  constructor(frames: readonly Buffer[] = [], readableHighWaterMark = 64 * 1024) {
    super({ allowHalfOpen: true, readableHighWaterMark });
    this.#frames = [...frames];
  }

  /** Frames that nobody has asked for yet. */
  get waiting(): number {
    return this.#frames.length;
  }

  send(...frames: readonly Buffer[]): void {
    this.#frames.push(...frames);
    this.#flow();
  }

  finish(): void {
    this.#over = true;
    this.#flow();
  }

  override _read(): void {
    this.#asked = true;
    this.#flow();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.received.push(chunk.toString());
    done();
  }

  override _final(done: () => void): void {
    this.inputEnded = true;
    done();
  }

  #asked = false;

  #flow(): void {
    while (this.#asked && this.#frames.length > 0) this.#asked = this.push(this.#frames.shift());
    if (this.#over && this.#frames.length === 0) this.push(null);
  }
}

const started = frame(1, "playpen 7\n");
const hooks = {
  hasEnded: () => Promise.resolve(false),
  tooMuchUnread: (maxBytes: number) => new Error(`unread: ${maxBytes}`),
};
const block = Buffer.alloc(32 * 1024, "x");

async function text(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

async function endOnClose(connection: ExecConnection): Promise<void> {
  await connection.closed;
  connection.end();
}

describe("ExecConnection", () => {
  it("takes the report off, however the bytes are cut, and keeps the rest", async () => {
    const bytes = Buffer.concat([frame(2, "warning"), started, frame(1, "first\nsecond")]);
    for (const size of [1, 3, 11, bytes.length]) {
      const engine = new Engine();
      const connection = new ExecConnection(engine, hooks);
      void endOnClose(connection);
      for (let at = 0; at < bytes.length; at += size) engine.send(bytes.subarray(at, at + size));
      engine.finish();
      expect(await connection.report).toBe("playpen 7");
      expect(await text(connection.stdout.stream)).toBe("first\nsecond");
      expect(await text(connection.stderr.stream)).toBe("warning");
    }
  });

  it("keeps output apart from a report in the same frame", async () => {
    const engine = new Engine([frame(1, "playpen 7\nready\n")]);
    const connection = new ExecConnection(engine, hooks);
    void endOnClose(connection);
    engine.finish();
    expect(await connection.report).toBe("playpen 7");
    expect(await text(connection.stdout.stream)).toBe("ready\n");
  });

  it("reports what there is when the connection ends", async () => {
    const engine = new Engine([frame(1, "unable to find user ghost")]);
    engine.finish();
    expect(await new ExecConnection(engine, hooks).report).toBe("unable to find user ghost");
  });

  it("leaves the connection alone while a reader is slow, and loses nothing", async () => {
    const count = 200;
    const engine = new Engine([started, ...Array.from({ length: count }, () => frame(1, block))]);
    const connection = new ExecConnection(engine, hooks);
    void endOnClose(connection);
    await connection.report;
    await new Promise(setImmediate);
    expect(connection.stdout.bufferedBytes).toBeLessThan(512 * 1024);
    expect(engine.waiting).toBeGreaterThan(count - 20);
    engine.finish();
    let length = 0;
    for await (const chunk of connection.stdout.stream) {
      length += chunk.length;
      expect(connection.stdout.bufferedBytes).toBeLessThan(512 * 1024);
    }
    expect(length).toBe(count * block.length);
  });

  it("does not let a standard error that nobody reads stop the output, and says what was dropped", async () => {
    const noise = Array.from({ length: 100 }, () => frame(2, block));
    const engine = new Engine([started, ...noise, frame(1, "result")]);
    engine.finish();
    const connection = new ExecConnection(engine, hooks);
    void endOnClose(connection);
    expect(await text(connection.stdout.stream)).toBe("result");
    const reader = connection.stderr.stream.getReader();
    let length = 0;
    await expect(async () => {
      for (;;) length += (await reader.read()).value?.length ?? 0;
    }).rejects.toThrow("unread: 1048576");
    expect(length).toBeGreaterThan(1024 * 1024);
  });

  it("waits for a standard error that somebody has begun to read", async () => {
    const noise = Array.from({ length: 100 }, () => frame(2, block));
    const engine = new Engine([started, frame(2, "first"), ...noise]);
    engine.finish();
    const connection = new ExecConnection(engine, hooks);
    void endOnClose(connection);
    const reader = connection.stderr.stream.getReader();
    let length = (await reader.read()).value?.length ?? 0;
    await connection.report;
    await new Promise(setImmediate);
    expect(engine.waiting).toBeGreaterThan(80);
    for (let part = await reader.read(); !part.done; part = await reader.read()) length += part.value.length;
    expect(length).toBe("first".length + 100 * block.length);
  });

  it("goes on with one output when the other was given up", async () => {
    const engine = new Engine([
      started,
      ...Array.from({ length: 50 }, () => frame(1, block)),
      frame(2, "end"),
    ]);
    engine.finish();
    const connection = new ExecConnection(engine, hooks);
    void endOnClose(connection);
    await connection.stdout.stream.cancel();
    expect(await text(connection.stderr.stream)).toBe("end");
  });

  it("takes in the rest for a slow reader when the process has ended", async () => {
    const engine = new Engine([started, ...Array.from({ length: 40 }, () => frame(1, block))]);
    engine.finish();
    let asked = 0;
    const connection = new ExecConnection(engine, { ...hooks, hasEnded: () => Promise.resolve(++asked > 1) });
    expect(await connection.closed).toBeUndefined();
    expect(asked).toBe(2);
    expect(engine.waiting).toBe(0);
    connection.end();
    expect((await text(connection.stdout.stream)).length).toBe(40 * block.length);
  });

  it("half-closes at the end of the input", async () => {
    const engine = new Engine([started]);
    const connection = new ExecConnection(engine, hooks);
    void endOnClose(connection);
    const writer = connection.stdin.getWriter();
    await writer.write(Buffer.from("question"));
    await writer.close();
    expect(engine.received).toEqual(["question"]);
    engine.send(frame(1, "answer"));
    engine.finish();
    expect(await text(connection.stdout.stream)).toBe("answer");
    expect(engine.inputEnded).toBe(true);
  });

  it("rejects a write on a broken connection, and raises nothing by itself", async () => {
    const engine = new Engine([started]);
    const connection = new ExecConnection(engine, hooks);
    engine.destroy(new Error("EPIPE"));
    await expect(connection.stdin.getWriter().write(Buffer.from("x"))).rejects.toThrow();
    expect((await connection.closed)?.message).toBe("EPIPE");
    expect(await connection.report).toBe("");
  });

  it("reports a connection that breaks off without a word", async () => {
    const engine = new Engine([started]);
    const connection = new ExecConnection(engine, hooks);
    await connection.report;
    engine.destroy();
    expect((await connection.closed)?.message).toBe("The connection to the engine broke off.");
    connection.fail(new Error("lost"));
    await expect(text(connection.stdout.stream)).rejects.toThrow("lost");
  });

  it("breaks off a stream that is not the engine's", async () => {
    const connection = new ExecConnection(new Engine([Buffer.from("no frames at all")]), hooks);
    expect((await connection.closed)?.message).toContain("unknown frame");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonRpcPeer, jsonRpcErrors } from "../../../src/protocols/json-rpc.ts";

function parsed(line: string): unknown {
  return JSON.parse(line);
}

describe("JsonRpcPeer", () => {
  it("numbers its requests and carries the version", () => {
    const peer = new JsonRpcPeer<string>();
    expect(parsed(peer.request("a", { x: 1 }, "A"))).toEqual({
      jsonrpc: "2.0",
      id: 1,
      method: "a",
      params: { x: 1 },
    });
    expect(parsed(peer.request("b", {}, "B"))).toEqual({ jsonrpc: "2.0", id: 2, method: "b", params: {} });
    expect(parsed(peer.notify("c"))).toEqual({ jsonrpc: "2.0", method: "c" });
  });

  it("leaves the version out where the agent does", () => {
    const peer = new JsonRpcPeer<string>({ versionField: false });
    expect(parsed(peer.request("a", {}, "A"))).toEqual({ id: 1, method: "a", params: {} });
    expect(parsed(peer.respond(7, undefined))).toEqual({ id: 7, result: null });
    const error = { code: jsonRpcErrors.methodNotFound, message: "no" };
    expect(parsed(peer.reject("x", error))).toEqual({ id: "x", error });
  });

  it("matches answers in any order, each once", () => {
    const peer = new JsonRpcPeer<string>();
    peer.request("a", {}, "A");
    peer.request("b", {}, "B");
    expect(peer.receive('{"id":2,"result":{"ok":true}}')).toMatchObject({
      kind: "result",
      tag: "B",
      result: { ok: true },
    });
    expect(peer.receive('{"id":1,"error":{"code":-5,"message":"bad","data":3}}')).toMatchObject({
      kind: "error",
      tag: "A",
      error: { code: -5, message: "bad", data: 3 },
    });
    expect(peer.receive('{"id":2,"result":1}').kind).toBe("stray");
    expect(peer.pending).toBe(0);
  });

  it("takes an answer of null for a result", () => {
    const peer = new JsonRpcPeer<string>();
    peer.request("a", {}, "A");
    expect(peer.receive('{"id":1,"result":null,"error":null}')).toMatchObject({
      kind: "result",
      tag: "A",
      result: null,
    });
  });

  it("tells requests from notifications, also with id 0", () => {
    const peer = new JsonRpcPeer<string>();
    expect(peer.receive('{"id":0,"method":"ask","params":{"a":1}}')).toMatchObject({
      kind: "request",
      id: 0,
      method: "ask",
      params: { a: 1 },
    });
    expect(peer.receive('{"method":"tell"}')).toMatchObject({
      kind: "notification",
      method: "tell",
      params: {},
    });
    expect(peer.receive('{"method":"tell","params":[1]}')).toMatchObject({
      kind: "notification",
      params: {},
    });
  });

  it.each([
    ["no JSON", "{", "unparsed"],
    ["a number", "1", "invalid"],
    ["an array", "[]", "invalid"],
    ["neither method nor answer", '{"id":1}', "invalid"],
    ["an answer without id", '{"result":1}', "invalid"],
    ["an answer to an object", '{"id":{},"result":1}', "invalid"],
  ])("classifies %s", (_, line, kind) => {
    expect(new JsonRpcPeer<string>().receive(line).kind).toBe(kind);
  });

  it("puts up with an error that is none", () => {
    const peer = new JsonRpcPeer<string>();
    peer.request("a", {}, "A");
    expect(peer.receive('{"id":1,"error":"bad"}')).toMatchObject({
      kind: "error",
      error: { code: jsonRpcErrors.internalError, message: "bad" },
    });
  });

  it("gives up the oldest request beyond its bound, and all when the other side is gone", () => {
    const peer = new JsonRpcPeer<string>({ maxPending: 2 });
    for (const tag of ["A", "B", "C"]) peer.request("a", {}, tag);
    expect(peer.pending).toBe(2);
    expect(peer.receive('{"id":1,"result":1}').kind).toBe("stray");
    expect(peer.abandon()).toEqual(["B", "C"]);
    expect(peer.pending).toBe(0);
  });

  it("never throws, whatever a line holds", () => {
    const member = fc.oneof(fc.jsonValue(), fc.constantFrom("turn", 1, 0, null));
    const message = fc.record(
      { id: member, method: member, params: member, result: member, error: member },
      { requiredKeys: [] },
    );
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      message.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const peer = new JsonRpcPeer<number>();
        peer.request("a", {}, 1);
        for (const text of lines) expect(peer.receive(text).kind).toBeTypeOf("string");
      }),
    );
  });
});

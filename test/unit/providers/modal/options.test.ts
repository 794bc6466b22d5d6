import { modal } from "playpen/modal";
import { describe, expect, it } from "vitest";
import { modalFailure } from "../../../../providers/modal/modal-errors.ts";
import { resolveModalOptions } from "../../../../providers/modal/modal-options.ts";
import { decodeTag, encodeTag, factsOf, tagsOf } from "../../../../providers/modal/modal-tags.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["tokenId", ""],
  ["tokenSecret", 1],
  ["environment", "a b"],
  ["app", ""],
  ["app", "x".repeat(64)],
  ["image", ""],
  ["cpus", -1],
  ["memoryBytes", "much"],
  ["region", 1],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["timeoutMs", 1000],
  ["maxLifeMs", 90_000_000],
  ["maxLifeMs", 10],
  ["requestTimeoutMs", 0],
  ["labels", { "playpen.owner": "me" }],
  ["template", "x"],
  ["snapshot", "x"],
  ["diskBytes", "1g"],
  ["pidsLimit", 100],
  ["mounts", []],
  ["imgae", "x"],
];

describe("modal()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => modal(options)).toThrow(TypeError);
    expect(() => modal(options)).toThrow(`"${name}"`);
  });

  it("refuses half a token, and shows none of it", () => {
    expect(() => modal({ tokenId: "ak-value" })).toThrow(/^(?!.*ak-value).*"tokenSecret" is missing/s);
    expect(() => modal({ tokenSecret: "as-value" })).toThrow(/^(?!.*as-value).*"tokenId" is missing/s);
  });

  it("has these defaults", () => {
    const nothing: object = { image: undefined, memoryBytes: undefined };
    expect(resolveModalOptions(nothing)).toEqual({
      app: "playpen",
      image: "node:22-bookworm",
      env: {},
      timeoutMs: 300_000,
      maxLifeMs: 86_400_000,
      requestTimeoutMs: 60_000,
      labels: {},
    });
  });

  it("describes itself without secrets", () => {
    const options = { tokenId: "secret-value", tokenSecret: "secret-value", env: { KEY: "secret-value" } };
    const described = modal({ ...options, memoryBytes: "2g" }).describe?.();
    expect(JSON.stringify(described)).not.toContain("secret-value");
    expect(described).toMatchObject({ memoryBytes: 2 * 2 ** 30 });
  });
});

describe("tags", () => {
  it.each(["", "plain-1.x", "a=b, c/d: ü 🙂", "_", "_5f", "__", "2026-11-21T15:00:00.000Z"])(
    "hold %j within their syntax",
    (text) => {
      expect(encodeTag(text)).toMatch(/^[A-Za-z0-9._-]*$/);
      expect(decodeTag(encodeTag(text))).toBe(text);
    },
  );

  it("tell labels and working directory, and whose sandbox it is", () => {
    const labels = { "playpen.owner": "host.1/ü", "": "" };
    expect(factsOf(tagsOf(labels, "/a b"))).toEqual({ labels, cwd: "/a b" });
    expect(factsOf(tagsOf({}))).toEqual({ labels: {} });
    expect(factsOf({ team: "other" })).toBeUndefined();
  });
});

describe("what the service refuses", () => {
  const refused = (code: number) =>
    modalFailure({ action: "create a sandbox", image: "x" }, Object.assign(new Error("words"), { code }));

  it.each([
    [3, "sandbox_create_failed"],
    [5, "sandbox_create_failed"],
    [7, "provider_authentication_failed"],
    [8, "provider_rate_limited"],
    [13, "provider_failed"],
    [14, "provider_unavailable"],
    [16, "provider_authentication_failed"],
  ])("code %i of gRPC is %s", (code, expected) => {
    expect(refused(code)).toMatchObject({ code: expected });
    expect(refused(code).message).toContain("words");
  });
});

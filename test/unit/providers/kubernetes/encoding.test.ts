import { describe, expect, it } from "vitest";
import { apiFailure } from "../../../../providers/kubernetes/api-errors.ts";
import { parseQuantity } from "../../../../providers/kubernetes/metrics.ts";
import { annotations, encodedLabels, podFacts } from "../../../../providers/kubernetes/pod-labels.ts";
import { startFailure } from "../../../../providers/kubernetes/pod-state.ts";

const odd = { "a=b, c/d: ü": "", "": "x".repeat(1000), "playpen.owner": "host.1/ü" };

describe("labels", () => {
  it("are within the syntax of Kubernetes, and come back as they were", () => {
    const encoded = encodedLabels(odd);
    for (const [name, value] of Object.entries(encoded)) {
      expect(name).toMatch(/^playpen\/[a-z0-9-]{1,63}$/);
      expect(value).toMatch(/^[a-z0-9]{1,63}$/);
    }
    expect(Object.keys(encoded)).toHaveLength(4);
    expect(podFacts(encoded, annotations(odd, "/work"))).toEqual({ labels: odd, cwd: "/work" });
  });

  it("differ where name or value differ", () => {
    const all = [{ a: "b" }, { a: "c" }, { b: "b" }, { a: "" }].map((labels) =>
      JSON.stringify(encodedLabels(labels)),
    );
    expect(new Set(all).size).toBe(4);
  });

  it("of a pod that is somebody else's, or was changed by hand, are none", () => {
    expect(podFacts({ app: "web" }, annotations(odd, undefined))).toBeUndefined();
    expect(podFacts(undefined, undefined)).toBeUndefined();
    expect(podFacts(encodedLabels({}), { "playpen/labels": '{"a":1,"b":"c"' })).toEqual({ labels: {} });
    expect(podFacts(encodedLabels({}), { "playpen/labels": '{"a":1,"b":"c"}' })).toEqual({
      labels: { b: "c" },
    });
  });
});

describe("quantities", () => {
  it.each([
    ["250m", 0.25],
    ["12000000n", 0.012],
    ["2", 2],
    ["1.5", 1.5],
    ["64Ki", 65_536],
    ["128Mi", 134_217_728],
    ["1G", 1e9],
    ["", undefined],
    ["1 Mi", undefined],
    ["1Xi", undefined],
    ["toString", undefined],
    [undefined, undefined],
  ])("%s is %s", (text, number) => {
    expect(parseQuantity(text)).toEqual(number === undefined ? undefined : expect.closeTo(number, 9));
  });
});

describe("what the API server refuses", () => {
  const refused = (code: number, message: string, headers = {}) =>
    apiFailure(
      { action: "create a pod" },
      Object.assign(new Error("x"), { code, body: { message }, headers }),
    );

  it.each([
    [401, "Unauthorized", "provider_authentication_failed"],
    [403, 'pods is forbidden: User "u" cannot create resource "pods"', "provider_authentication_failed"],
    [403, 'pods "p" is forbidden: exceeded quota: q, requested: pods=1', "provider_rate_limited"],
    [403, 'pods "p" is forbidden: violates PodSecurity "restricted:latest"', "sandbox_create_failed"],
    [422, 'Pod "p" is invalid: spec.containers[0].image', "sandbox_create_failed"],
    [429, "too many requests", "provider_rate_limited"],
    [500, "etcdserver: request timed out", "provider_failed"],
  ])("%i with %j", (code, message, expected) => {
    expect(refused(code, message)).toMatchObject({ code: expected });
    expect(refused(code, message).message).toContain(message);
  });

  it("names when it may be tried again", () => {
    expect(refused(429, "slow down", { "retry-after": "3" }).details).toMatchObject({ retryAfterMs: 3000 });
  });

  it("is told in the words of whatever stands in front of it", () => {
    const error = Object.assign(new Error("x"), { code: 502, body: "<html>Bad gateway</html>" });
    expect(apiFailure({ action: "list pods" }, error).message).toContain("Bad gateway");
  });
});

describe("a pod that does not run", () => {
  const pod = (state: object, phase = "Pending") =>
    JSON.parse(JSON.stringify({ status: { phase, containerStatuses: [{ state }] } })) as never;

  it.each([
    [{ waiting: { reason: "ContainerCreating" } }, undefined],
    [{ waiting: { reason: "ErrImagePull" } }, undefined],
    [{ waiting: { reason: "ImagePullBackOff", message: "m" } }, "image_unavailable"],
    [{ waiting: { reason: "CreateContainerConfigError", message: "m" } }, "sandbox_create_failed"],
  ])("%j", (state, code) => {
    expect(startFailure(pod(state), "image")?.code).toBe(code);
  });

  it("says that the image has no shell", () => {
    const message = 'runc create failed: exec: "/bin/sh": stat /bin/sh: no such file or directory';
    const failure = startFailure(
      pod({ terminated: { reason: "StartError", message } }, "Failed"),
      "distroless",
    );
    expect(failure?.message).toContain("has no /bin/sh");
    expect(failure?.remedy).toContain("POSIX shell");
  });
});

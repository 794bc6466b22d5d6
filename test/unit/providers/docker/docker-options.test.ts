import { docker, type DockerOptions } from "playpen/docker";
import { describe, expect, it } from "vitest";
import { containerConfig } from "../../../../providers/container-engine/container-config.ts";
import { parseBytes } from "playpen/kit";
import { resolveEngineOptions } from "../../../../providers/container-engine/container-options.ts";
import { dockerKind } from "../../../../providers/docker/docker-kind.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["image", ""],
  ["pull", "sometimes"],
  ["registryAuth", { username: "name" }],
  ["registryAuth", { username: "name", password: "word", email: "x" }],
  ["platform", 5],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["env", { A: 1 }],
  ["user", "root; id"],
  ["user", "-1"],
  ["mounts", { source: "/a", target: "/b" }],
  ["mounts", [{ source: "a", target: "/b" }]],
  ["mounts", [{ source: "/a", target: "b" }]],
  ["mounts", [{ source: "/a", target: "/b", readOnly: true }]],
  ["mounts", [{ source: "/a", target: "/b", writable: "yes" }]],
  ["mounts", [{ source: "/a", target: "/b", type: "tmpfs" }]],
  ["network", ""],
  ["ports", 3000],
  ["ports", [0]],
  ["ports", ["3000"]],
  ["cpus", 0],
  ["memoryBytes", "much"],
  ["memoryBytes", 1024],
  ["pidsLimit", 1.5],
  ["init", "yes"],
  ["capDrop", "ALL"],
  ["noNewPrivileges", 1],
  ["labels", { "playpen.owner": "me" }],
  ["labels", { a: 1 }],
  ["socketPath", ""],
  ["host", "10.0.0.5:2376"],
  ["tls", { ca: 1 }],
  ["imgae", "x"],
];

const resolveDockerOptions = (options: DockerOptions) => resolveEngineOptions(dockerKind, options);

describe("docker()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => docker(options)).toThrow(TypeError);
    expect(() => docker(options)).toThrow(`"${name}"`);
  });

  it("suggests the option that was meant", () => {
    const options: object = { memorybytes: "2g" };
    expect(() => docker(options)).toThrow('Did you mean "memoryBytes"?');
  });

  it("shows no value of an environment variable in a message", () => {
    const options: object = { env: { KEY: "secret-value\0" } };
    expect(() => docker(options)).toThrow(/^(?!.*secret-value)/s);
  });

  it("refuses two addresses of the engine", () => {
    expect(() => docker({ socketPath: "/a", host: "tcp://b:1" })).toThrow("exclude each other");
  });

  it.each(["none", "host"])("refuses ports with the network %s", (network) => {
    expect(() => docker({ network, ports: [3000] })).toThrow(/option "ports" cannot go with the network/);
  });

  it("takes undefined for an option that was not given", () => {
    const options: object = { image: undefined, memoryBytes: undefined, network: undefined };
    expect(resolveDockerOptions(options)).toEqual(resolveDockerOptions({}));
  });

  it("has these defaults", () => {
    expect(resolveDockerOptions({})).toEqual({
      kind: dockerKind,
      image: "node:22-bookworm",
      pull: "missing",
      cwd: "/workspace",
      env: {},
      mounts: [],
      network: "bridge",
      ports: [],
      pidsLimit: 4096,
      init: true,
      capDrop: ["AUDIT_WRITE", "MKNOD", "NET_RAW"],
      noNewPrivileges: true,
      labels: {},
    });
  });

  it("describes itself without secrets", () => {
    const options: DockerOptions = {
      env: { KEY: "secret-value" },
      registryAuth: { username: "name", password: "secret-value" },
      memoryBytes: "2g",
    };
    const described = docker(options).describe?.();
    expect(JSON.stringify(described)).not.toContain("secret-value");
    expect(described).toMatchObject({ memoryBytes: 2 * 2 ** 30 });
  });
});

describe("parseBytes", () => {
  it.each([
    [7_000_000, 7_000_000],
    ["512m", 512 * 2 ** 20],
    ["2g", 2 * 2 ** 30],
    ["1.5G", 1.5 * 2 ** 30],
    ["64MiB", 64 * 2 ** 20],
    ["100000k", 100_000 * 1024],
    ["12", undefined],
    ["1e9", undefined],
    [1.5, undefined],
    [null, undefined],
  ])("reads %j as %j", (value, bytes) => {
    expect(parseBytes(value)).toBe(bytes);
  });
});

describe("containerConfig", () => {
  const spec = { env: { SECRET: "of the sandbox" }, labels: { a: "sandbox", "playpen.version": "1" } };

  it("holds no environment", () => {
    const settings = resolveDockerOptions({ env: { OTHER: "of the provider" } });
    const text = JSON.stringify(containerConfig(settings, spec, "agent", { labels: {} }));
    expect(text).not.toContain("of the sandbox");
    expect(text).not.toContain("of the provider");
  });

  it("mounts read-only unless told otherwise, and sets the limits", () => {
    const settings = resolveDockerOptions({
      mounts: [
        { source: "/a", target: "/b" },
        { source: "data", target: "/c", type: "volume", writable: true },
      ],
      cpus: 1.5,
      memoryBytes: "1g",
      pidsLimit: 10,
      network: "none",
    });
    expect(containerConfig(settings, spec, "", { labels: {} }).HostConfig).toMatchObject({
      Mounts: [
        { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true },
        { Type: "volume", Source: "data", Target: "/c", ReadOnly: false },
      ],
      NanoCpus: 1_500_000_000,
      Memory: 2 ** 30,
      MemorySwap: 2 ** 30,
      PidsLimit: 10,
      NetworkMode: "none",
      SecurityOpt: ["no-new-privileges"],
      AutoRemove: true,
      Init: true,
    });
  });

  it("labels the container, the sandbox's labels before the provider's", () => {
    const settings = resolveDockerOptions({ labels: { a: "provider", b: "provider" } });
    expect(containerConfig(settings, spec, "", { labels: {} }).Labels).toEqual({
      a: "sandbox",
      b: "provider",
      "playpen.version": "1",
      "playpen.provider": "docker",
    });
  });
});

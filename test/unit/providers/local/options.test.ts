import { homedir } from "node:os";
import { describe, expect, it } from "vitest";
import { local } from "../../../../providers/local/index.ts";

const wrong = [
  ["isolation", { isolation: "docker" }],
  ["workspace", { workspace: "relative/folder" }],
  ["workspace", { workspace: "/" }],
  ["workspace", { workspace: "/etc/project" }],
  ["workspace", { workspace: "/usr" }],
  ["workspace", { workspace: "/srv/../etc" }],
  ["workspace", { workspace: homedir() }],
  ["network", { network: "off" }],
  ["network", { isolation: "none", network: false }],
  ["readOnlyPaths", { readOnlyPaths: "/srv" }],
  ["readOnlyPaths", { readOnlyPaths: ["/srv", "data"] }],
  ["writablePaths", { writablePaths: ["/usr/bin"] }],
  ["writablePaths", { writablePaths: ["/usr/lib/x86_64-linux-gnu"] }],
  ["hostFiles", { hostFiles: "writable" }],
  ["hostFiles", { isolation: "none", hostFiles: "hidden" }],
  ["passEnv", { passEnv: ["NAME=value"] }],
  ["labels", { labels: { owner: 1 } }],
  ["root", { root: "sandboxes" }],
  ["isolatoin", { isolatoin: "none" }],
] as const;

describe("options of local()", () => {
  it.each(wrong)("refuses a wrong %s: %j", (name, options) => {
    // What a caller without types could pass.
    const make = (): unknown => Reflect.apply(local, undefined, [options]);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(`"${name}"`);
  });

  it("takes all of them, and none", () => {
    expect(() => local()).not.toThrow();
    expect(() =>
      local({
        isolation: "bubblewrap",
        workspace: "/srv/project/",
        network: false,
        readOnlyPaths: ["/srv/data"],
        writablePaths: [`${homedir()}/.cache/npm`],
        hostFiles: "hidden",
        passEnv: ["EDITOR"],
        labels: { team: "blue" },
        root: "/srv/sandboxes",
      }),
    ).not.toThrow();
  });

  it("tells which isolation is in force, and its settings", () => {
    expect(local().capabilities.isolation).toBe("namespaces");
    const provider = local({ isolation: "none", workspace: "/srv/project/" });
    expect(provider.capabilities.isolation).toBe("none");
    expect(provider.describe?.()).toMatchObject({ isolation: "none", workspace: "/srv/project" });
  });
});

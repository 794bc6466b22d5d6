import { podman } from "playpen/podman";
import { describe, expect, it } from "vitest";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["image", ""],
  ["pull", "sometimes"],
  ["registryAuth", { username: "name" }],
  ["platform", 5],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["mounts", [{ source: "a", target: "/b" }]],
  ["network", ""],
  ["ports", ["3000"]],
  ["cpus", 0],
  ["memoryBytes", "much"],
  ["pidsLimit", 1.5],
  ["init", "yes"],
  ["capDrop", "ALL"],
  ["noNewPrivileges", 1],
  ["labels", { "playpen.owner": "me" }],
  ["socketPath", ""],
  ["host", "10.0.0.5:2376"],
  ["tls", { ca: 1 }],
  ["cli", "yes"],
  ["snapshot", "sha256:0"],
  ["imgae", "x"],
];

describe("podman()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => podman(options)).toThrow(TypeError);
    expect(() => podman(options)).toThrow(`podman()`);
    expect(() => podman(options)).toThrow(`"${name}"`);
  });

  it.each([
    ["socketPath", "/run/podman/podman.sock"],
    ["host", "tcp://10.0.0.5:1"],
    ["registryAuth", { username: "name", password: "word" }],
  ])("refuses %s for the command, which takes none", (name, value) => {
    const options: object = { cli: true, [name]: value };
    expect(() => podman(options)).toThrow(`option "${name}" cannot go with "cli"`);
  });

  it("has the abilities of a container, and names them", () => {
    const { name, capabilities, snapshots } = podman();
    expect(name).toBe("podman");
    expect(capabilities.abilities).toContain("snapshot");
    expect(snapshots).toBeDefined();
  });

  it("describes itself without secrets", () => {
    const described = podman({ env: { KEY: "secret-value" }, cli: true }).describe?.();
    expect(JSON.stringify(described)).not.toContain("secret-value");
    expect(described).toMatchObject({ cli: true });
  });

  it("says what to do when no socket answers that was named", async () => {
    const availability = await podman({ socketPath: "/nowhere/podman.sock" }).check();
    expect(availability).toMatchObject({ available: false });
    if (availability.available) return;
    expect(availability.reason).toContain("/nowhere/podman.sock: ENOENT");
    expect(availability.remedy).toContain("podman system service");
  });
});

import { ssh, type SshOptions } from "playpen/ssh";
import { describe, expect, it } from "vitest";
import { fingerprintOf, isExpectedKey, parseHostKey } from "../../../../providers/ssh/host-key.ts";
import { parseInspection, writeState } from "../../../../providers/ssh/state.ts";

const keyLine =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKm2VFxYL9dtp3eyLBm9Mh4Cm0l8Jb1q0aKk4Lw4r0bB somebody@somewhere";
const right: SshOptions = { host: "build.example.com", username: "agent", hostKey: keyLine };

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["host", ""],
  ["port", 0],
  ["port", 65_536],
  ["port", 2.5],
  ["username", ""],
  ["privateKey", 5],
  ["passphrase", 5],
  ["password", ""],
  ["agent", ""],
  ["hostKey", "AAAA"],
  ["hostKey", "SHA256:short"],
  ["hostKey", "ssh-dss AAAAB3NzaC1kc3M"],
  ["hostKey", keyLine.replace("ssh-ed25519", "ssh-rsa")],
  ["root", "relative"],
  ["cwd", "relative"],
  ["env", { "A-B": "1" }],
  ["labels", { "playpen.owner": "me" }],
  ["connectTimeoutMs", 0],
  ["keepaliveIntervalMs", -1],
  ["usrename", "x"],
  ["image", "debian"],
  ["template", "x"],
  ["snapshot", "x"],
  ["cpus", 1],
  ["memoryBytes", "1g"],
  ["diskBytes", "1g"],
  ["pidsLimit", 5],
  ["timeoutMs", 5],
  ["region", "here"],
  ["user", "agent"],
  ["mounts", []],
];

describe("ssh()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options = { ...right, [name]: value };
    expect(() => ssh(options)).toThrow(TypeError);
    expect(() => ssh(options)).toThrow(`"${name}"`);
  });

  it.each(["host", "username", "hostKey"])("needs %s", (name) => {
    const options = Object.fromEntries(Object.entries(right).filter(([key]) => key !== name));
    expect(() => ssh(options as never)).toThrow(`"${name}" is missing`);
  });

  it("takes one credential, and a passphrase for a key only", () => {
    expect(() => ssh({ ...right, privateKey: "k", password: "p" })).toThrow("exclude each other");
    expect(() => ssh({ ...right, passphrase: "p" })).toThrow('belongs to "privateKey"');
  });

  it("shows no secret in a message or in its description", () => {
    const options = { ...right, password: "secret-word", labels: 5 };
    expect(() => ssh(options as never)).toThrow(/^(?!.*secret-word)/s);
    expect(JSON.stringify(ssh({ ...right, privateKey: "secret-key" }).describe?.())).not.toContain("secret");
  });

  it("tells whether another user can be had", () => {
    expect(ssh(right).capabilities).toMatchObject({ users: "none", isolation: "none" });
    expect(ssh({ ...right, username: "root" }).capabilities.users).toBe("emulated");
  });
});

describe("a host key", () => {
  const blob = Buffer.from(keyLine.split(" ")[1] ?? "", "base64");

  it("is known by its line and by its fingerprint, and no other is", () => {
    const other = Buffer.from(blob);
    other.writeUInt8((other.at(-1) ?? 0) ^ 1, other.length - 1);
    for (const text of [keyLine, ` ${keyLine}\n`, fingerprintOf(blob), `${fingerprintOf(blob)}=`]) {
      expect(isExpectedKey(parseHostKey(text), blob)).toBe(true);
      expect(isExpectedKey(parseHostKey(text), other)).toBe(false);
    }
  });

  it("is asked for by its own kind, so that the machine does not show another of its keys", () => {
    expect(parseHostKey(keyLine).algorithms).toEqual([["ssh-ed25519"]]);
    expect(parseHostKey(fingerprintOf(blob)).algorithms).toHaveLength(3);
  });
});

describe("what the machine tells of its sandboxes", () => {
  const id = "0123456789abcdef";
  const state = writeState({ labels: { a: "ü =" }, createdAt: 5 });

  it("is read back, and what is not understood is left out", () => {
    const lines = [id, "/r/1", "/w", state, "not an id", "/r/2", "/w", state, id, "/r/3", "/w", "{"];
    const expected = [{ id, folder: "/r/1", cwd: "/w", createdAt: 5, labels: { a: "ü =" } }];
    expect(parseInspection(`${lines.join("\n")}\n`)).toEqual(expected);
    expect(parseInspection("")).toEqual([]);
    expect(parseInspection(`${id}\n/r/1\n`)).toEqual([]);
  });
});

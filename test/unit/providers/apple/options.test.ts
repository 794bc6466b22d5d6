import { apple } from "playpen/apple";
import { describe, expect, it } from "vitest";
import { appleCli, userIn } from "../../../../providers/apple/apple-cli.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["image", ""],
  ["platform", 5],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["mounts", [{ source: "a", target: "/b" }]],
  ["network", ""],
  ["cpus", 0],
  ["cpus", 1.5],
  ["memoryBytes", "much"],
  ["labels", { "playpen.owner": "me" }],
  ["program", ""],
  ["requestTimeoutMs", 0],
  ["pidsLimit", 100],
  ["snapshot", "x"],
  ["imgae", "x"],
];

describe("apple()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => apple(options)).toThrow(TypeError);
    expect(() => apple(options)).toThrow("apple()");
    expect(() => apple(options)).toThrow(`"${name}"`);
  });

  it("says how to get the program where there is none", async () => {
    const availability = await apple({ program: "/nowhere/container" }).check();
    expect(availability).toMatchObject({ available: false });
    if (availability.available) return;
    expect(availability.reason).toContain("/nowhere/container could not be run");
    expect(availability.remedy).toContain("container system start");
  });
});

describe("what Apple's program is told, and what it tells", () => {
  const settings = { image: "image", cwd: "/workspace", env: {}, ports: [], labels: {}, mounts: [] };

  it("is told the limits, mounts and labels, and no variable", () => {
    const args = appleCli.createArgs(
      {
        ...settings,
        env: { SECRET: "word" },
        cpus: 2,
        memoryBytes: 1.5 * 2 ** 20,
        mounts: [{ source: "/a", target: "/b" }],
      },
      { name: "a=b" },
      { user: "", labels: {} },
    );
    expect(args).toEqual(expect.arrayContaining(["--cpus", "2", "--memory", "2M", "--label", "name=a=b"]));
    expect(args).toContain("type=bind,source=/a,target=/b,readonly");
    expect(args.join(" ")).not.toContain("word");
  });

  const configuration = {
    id: "one",
    labels: { a: "b" },
    initProcess: { arguments: ["-c", "script", "playpen-main", "/workspace", "agent"] },
  };
  const expected = {
    id: "one",
    labels: { a: "b" },
    running: true,
    args: configuration.initProcess.arguments,
    addresses: ["192.168.64.3"],
  };

  it.each([
    ["before release 1.0", { configuration, status: "running", networks: [{ address: "192.168.64.3/24" }] }],
    [
      "since release 1.0",
      { configuration, status: { state: "running", networks: [{ ipv4Address: "192.168.64.3/24" }] } },
    ],
  ])("tells of a container as %s", (_release, entry) => {
    expect(appleCli.parseInspect(JSON.stringify([entry]))).toEqual(expected);
    expect(appleCli.parseList(JSON.stringify([entry, { nothing: 1 }]))).toEqual([expected]);
  });

  it.each(["", "{ not JSON", "[]", "[null]", "{}", '[{"configuration":5}]'])(
    "may tell nothing: %j",
    (output) => {
      expect(appleCli.parseInspect(output)).toBeUndefined();
      expect(appleCli.parseList(output) ?? []).toEqual([]);
      expect(userIn(output)).toBe("");
    },
  );

  it("is not understood where a list is none", () => {
    expect(appleCli.parseList("{ not JSON")).toBeUndefined();
    expect(appleCli.parseList("[]")).toEqual([]);
  });

  it("tells the user of an image", () => {
    const image = { variants: [{ config: {} }, { config: { config: { User: "agent" } } }] };
    expect(userIn(JSON.stringify([image]))).toBe("agent");
  });
});

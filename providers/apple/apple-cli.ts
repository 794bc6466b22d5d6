import { type Labels, arrayField, isJsonObject, objectField, parseJson, stringField } from "../../src/kit.ts";
import type { CliContainer, CliKind } from "../container-cli/cli-kind.ts";

export const installation =
  "On a Mac with Apple silicon and macOS 26, install https://github.com/apple/container/releases and run " +
  "`container system start`.";

const bytesPerMebibyte = 2 ** 20;

/** Apple's `container`, as its command reference describes it from release 0.7 to 1.1. */
export const appleCli: CliKind = {
  name: "apple",
  title: "Apple's container",
  installation,
  versionArgs: ["--version"],
  listArgs: ["list", "--all", "--format", "json"],
  parseList(output) {
    const parsed = parseJson(output);
    return Array.isArray(parsed) ? parsed.flatMap((entry) => containerIn(entry) ?? []) : undefined;
  },
  createArgs({ network, cpus, memoryBytes, platform, mounts }, labels) {
    return [
      "--interactive",
      "--rm",
      "--user",
      "0:0",
      "--workdir",
      "/",
      ...(network === undefined ? [] : ["--network", network]),
      ...(cpus === undefined ? [] : ["--cpus", String(cpus)]),
      ...(memoryBytes === undefined
        ? []
        : ["--memory", `${String(Math.ceil(memoryBytes / bytesPerMebibyte))}M`]),
      ...(platform === undefined ? [] : ["--platform", platform]),
      ...mounts.flatMap(({ type = "bind", source, target, writable }) => [
        "--mount",
        `type=${type},source=${source},target=${target}${writable === true ? "" : ",readonly"}`,
      ]),
      ...Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
    ];
  },
  removeArgs: (id) => ["delete", "--force", id],
  inspectArgs: (id) => ["inspect", id],
  parseInspect(output) {
    const parsed = parseJson(output);
    return Array.isArray(parsed) ? containerIn(parsed[0]) : undefined;
  },
  startArgs: (id) => ["start", "--attach", "--interactive", id],
};

/** Reads the container's description; since release 1.0 the state and the networks are one level further down. */
function containerIn(entry: unknown): CliContainer | undefined {
  const configuration = objectField(entry, "configuration");
  const id = stringField(configuration, "id");
  if (id === undefined) return undefined;
  const status = objectField(entry, "status");
  const state = stringField(entry, "status") ?? stringField(status, "state");
  const networks = [...arrayField(entry, "networks"), ...arrayField(status, "networks")];
  const addresses = networks.flatMap((network) => {
    const address = stringField(network, "ipv4Address") ?? stringField(network, "address");
    return address === undefined ? [] : [address.replace(/\/\d+$/, "")];
  });
  const args = arrayField(objectField(configuration, "initProcess"), "arguments");
  return {
    id,
    labels: labelsIn(configuration),
    running: state === "running",
    args: args.filter((word): word is string => typeof word === "string"),
    addresses,
  };
}

function labelsIn(configuration: unknown): Labels {
  const labels: unknown = objectField(configuration, "labels");
  if (!isJsonObject(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** The user that an image names for its processes; empty where it names none. */
export function userIn(output: string): string {
  const parsed = parseJson(output);
  const [image] = Array.isArray(parsed) ? (parsed as readonly unknown[]) : [];
  for (const variant of arrayField(image, "variants")) {
    const user = stringField(objectField(objectField(variant, "config"), "config"), "User");
    if (user !== undefined && user !== "") return user;
  }
  return "";
}

import { arrayField, numberField, objectField, parseJson, stringField } from "../../src/kit.ts";
import type { CliContainer, CliKind } from "../container-cli/cli-kind.ts";
import { labelsIn, visibleLabels, withHidden } from "../container-engine/inherited-labels.ts";

export const installation =
  "Install Podman (https://podman.io/docs/installation); on macOS and Windows run `podman machine start` as well.";

export const podmanCli: CliKind = {
  name: "podman",
  title: "Podman",
  installation,
  versionArgs: ["version", "--format", "{{.Client.Version}}"],
  listArgs: ["ps", "--all", "--format", "json", "--no-trunc", "--filter", "label=playpen.provider=podman"],
  parseList(output) {
    const parsed = parseJson(output);
    return Array.isArray(parsed) ? parsed.flatMap(listed) : undefined;
  },
  createArgs(settings, labels, image) {
    const { network, cpus, memoryBytes, pidsLimit, platform, pull = "missing" } = settings;
    return [
      "--interactive",
      "--rm",
      "--quiet",
      `--pull=${pull}`,
      "--user=0:0",
      "--workdir=/",
      "--log-driver=none",
      ...(settings.init === true ? ["--init"] : []),
      ...(network === undefined ? [] : [`--network=${network === "bridge" ? "podman" : network}`]),
      ...(cpus === undefined ? [] : [`--cpus=${String(cpus)}`]),
      ...(memoryBytes === undefined
        ? []
        : [`--memory=${String(memoryBytes)}`, `--memory-swap=${String(memoryBytes)}`]),
      ...(pidsLimit === undefined ? [] : [`--pids-limit=${String(pidsLimit)}`]),
      ...(platform === undefined ? [] : [`--platform=${platform}`]),
      ...(settings.capDrop ?? []).map((name) => `--cap-drop=${name}`),
      ...(settings.noNewPrivileges === true ? ["--security-opt=no-new-privileges"] : []),
      ...settings.ports.map((port) => `--publish=127.0.0.1::${String(port)}`),
      ...settings.mounts.map(
        ({ type = "bind", source, target, writable }) =>
          `--mount=type=${type},source=${source},target=${target}${writable === true ? "" : ",ro"}`,
      ),
      ...Object.entries(withHidden(labels, image.labels)).map(([name, value]) => `--label=${name}=${value}`),
    ];
  },
  removeArgs: (id) => ["rm", "--force", "--time=0", "--volumes", "--ignore", id],
  inspectArgs: (id) => ["container", "inspect", id],
  parseInspect(output) {
    const parsed = parseJson(output);
    return Array.isArray(parsed) ? inspected(parsed[0]) : undefined;
  },
  startArgs: (id) => ["start", "--attach", "--interactive", "--sig-proxy=false", id],
};

function listed(entry: unknown): readonly CliContainer[] {
  const id = stringField(entry, "Id");
  if (id === undefined) return [];
  const seconds = numberField(entry, "Created");
  return [
    {
      id,
      labels: visibleLabels(labelsIn(entry)),
      running: stringField(entry, "State") === "running",
      ...(seconds === undefined ? {} : { createdAt: seconds * 1000 }),
    },
  ];
}

function inspected(entry: unknown): CliContainer | undefined {
  const id = stringField(entry, "Id");
  if (id === undefined) return undefined;
  const config = objectField(entry, "Config");
  const state = stringField(objectField(entry, "State"), "Status");
  const image = stringField(entry, "Image");
  const args = arrayField(config, "Cmd").filter((word): word is string => typeof word === "string");
  return {
    id,
    labels: visibleLabels(labelsIn(config)),
    running: state === "running" || state === "paused",
    args,
    ...(image === undefined ? {} : { image }),
  };
}

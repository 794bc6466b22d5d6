import { arrayField, isJsonObject, numberField, objectField, stringField } from "../../../src/kit/json.ts";
import { HttpError } from "../kit/http-server.ts";

/** A pod as it was asked for, as far as the stand-in knows what to do with it. */
export interface PodManifest {
  readonly name: string;
  readonly labels: { readonly [name: string]: string };
  readonly annotations: { readonly [name: string]: string };
  readonly container: {
    readonly name: string;
    readonly image: string;
    readonly command: readonly [string, ...string[]];
  };
  readonly activeDeadlineSeconds: number | undefined;
  readonly gracePeriodSeconds: number;
  readonly hasNodeSelector: boolean;
  /** As it came. */
  readonly raw: { readonly [name: string]: unknown };
}

const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const quantity = /^[0-9]+(\.[0-9]+)?(m|[kMGTPE]i?|Ki)?$/;
const longestAnnotations = 256 * 1024;

/** Refuses what the API server refuses. */
export function checkPod(body: unknown): PodManifest {
  if (!isJsonObject(body) || body["kind"] !== "Pod") throw new HttpError(400, "the body is no Pod");
  const metadata = objectField(body, "metadata");
  const spec = objectField(body, "spec");
  const name = stringField(metadata, "name") ?? "";
  const problem = (field: string, words: string): never => {
    throw new HttpError(422, `Pod "${name}" is invalid: ${field}: ${words}`);
  };
  if (name.length > 253 || !subdomain.test(name)) problem("metadata.name", "a lowercase RFC 1123 subdomain");
  const labels = texts(objectField(metadata, "labels"));
  for (const [key, value] of Object.entries(labels)) {
    checkKey(key, "metadata.labels", problem);
    if (value !== "" && !labelName.test(value)) problem("metadata.labels", `Invalid value: "${value}"`);
  }
  const annotations = texts(objectField(metadata, "annotations"));
  for (const key of Object.keys(annotations)) checkKey(key, "metadata.annotations", problem);
  if (JSON.stringify(annotations).length > longestAnnotations) problem("metadata.annotations", "Too long");
  const [container, another] = arrayField(spec, "containers");
  if (!isJsonObject(container) || another !== undefined) problem("spec.containers", "Required value");
  const image = stringField(container, "image") ?? "";
  if (image === "" || image.trim() !== image) problem("spec.containers[0].image", "Required value");
  const containerName = stringField(container, "name") ?? "";
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(containerName))
    problem("spec.containers[0].name", "Invalid value");
  const limits = objectField(objectField(container, "resources"), "limits");
  for (const [resource, limit] of Object.entries(limits)) {
    if (typeof limit !== "string" || !quantity.test(limit))
      problem(`spec.containers[0].resources.${resource}`, "Invalid");
  }
  const volumes = arrayField(spec, "volumes").map((volume) => stringField(volume, "name"));
  for (const mount of arrayField(container, "volumeMounts")) {
    if (!volumes.includes(stringField(mount, "name")))
      problem("spec.containers[0].volumeMounts", "Not found");
  }
  const activeDeadlineSeconds = numberField(spec, "activeDeadlineSeconds");
  if (
    activeDeadlineSeconds !== undefined &&
    !(Number.isInteger(activeDeadlineSeconds) && activeDeadlineSeconds >= 1)
  ) {
    problem("spec.activeDeadlineSeconds", "must be between 1 and 2147483647, inclusive");
  }
  const [program, ...rest] = arrayField(container, "command").filter((word) => typeof word === "string");
  return {
    name,
    labels,
    annotations,
    container: { name: containerName, image, command: [program ?? "/pause", ...rest] },
    activeDeadlineSeconds,
    gracePeriodSeconds: numberField(spec, "terminationGracePeriodSeconds") ?? 30,
    hasNodeSelector: Object.keys(objectField(spec, "nodeSelector")).length > 0,
    raw: body,
  };
}

function checkKey(key: string, field: string, problem: (field: string, words: string) => never): void {
  const slash = key.lastIndexOf("/");
  const [prefix, name] = slash === -1 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  if (!labelName.test(name)) problem(field, `Invalid value: "${key}": name part`);
  if (prefix !== undefined && (prefix.length > 253 || !subdomain.test(prefix))) {
    problem(field, `Invalid value: "${key}": prefix part`);
  }
}

function texts(value: object): { readonly [name: string]: string } {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** Of the selectors only `name=value,name=value`. */
export function selectedBy(selector: string): (labels: { readonly [name: string]: string }) => boolean {
  const wanted = selector === "" ? [] : selector.split(",").map((term) => term.split("="));
  for (const [, value = "", more] of wanted) {
    if (more !== undefined || (value !== "" && !labelName.test(value))) {
      throw new HttpError(400, `unable to parse requirement: ${selector}`);
    }
  }
  return (labels) => wanted.every(([name = "", value = ""]) => labels[name] === value);
}

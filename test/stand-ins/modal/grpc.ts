import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { isJsonObject } from "../../../src/kit/json.ts";
import { repositoryRoot } from "../../../scripts/subpaths.ts";

/** What is used of a service's definition, which the package `modal` has in its bundle and does not export. */
export interface ServiceDefinition {
  readonly name: string;
  readonly methods: { readonly [name: string]: object };
}

export interface CallContext {
  readonly metadata: { get(name: string): string | undefined };
  readonly signal: AbortSignal;
}

/** Of a message only what a test needs is told; what is missing has the value that protobuf gives it. */
export type Message = { readonly [name: string]: unknown };
export type Handler = (request: Message, context: CallContext) => Promise<Message> | AsyncIterable<Message>;
export type Middleware = (
  call: {
    readonly method: { readonly path: string };
    readonly request: unknown;
    next(request: unknown, context: CallContext): AsyncGenerator<unknown, unknown>;
  },
  context: CallContext,
) => AsyncGenerator<unknown, unknown>;

export interface GrpcServer {
  use(middleware: Middleware): GrpcServer;
  add(definition: ServiceDefinition, handlers: { readonly [name: string]: Handler }): void;
  listen(address: string): Promise<number>;
  forceShutdown(): void;
}

interface Grpc {
  createServer(): GrpcServer;
  readonly ServerError: new (code: number, details: string) => Error;
}

const modalPath = createRequire(import.meta.url).resolve("modal");

/** The package by which `modal` speaks gRPC. */
export const grpc = createRequire(modalPath)("nice-grpc") as Grpc;

/** The services as the installed package defines them: its bundle, with two exports more. */
export async function modalDefinitions(): Promise<
  readonly [control: ServiceDefinition, router: ServiceDefinition]
> {
  const bundle = await readFile(modalPath.replace(/\.cjs$/, ".js"), "utf8");
  const names = ["ModalClientDefinition", "TaskCommandRouterDefinition"];
  const source = `${bundle}\nexport { ${names.join(", ")} };\n`;
  const folder = `${repositoryRoot}.cache/modal-definitions`;
  const file = `${folder}/${createHash("sha256").update(source).digest("hex").slice(0, 16)}.mjs`;
  await mkdir(folder, { recursive: true });
  // Moved into its place, since several tests may do so at once.
  const own = `${file}.${process.pid}`;
  await writeFile(own, source);
  await rename(own, file);
  const loaded: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href);
  const [control, router] = names.map((name) => (isJsonObject(loaded) ? loaded[name] : undefined));
  if (!isDefinition(control) || !isDefinition(router)) throw new Error("The package has other definitions.");
  return [control, router];
}

function isDefinition(value: unknown): value is ServiceDefinition {
  return isJsonObject(value) && isJsonObject(value["methods"]);
}

/** The part of a service that the stand-in has; the rest is answered with UNIMPLEMENTED. */
export function partOf(
  definition: ServiceDefinition,
  handlers: { readonly [name: string]: Handler },
): ServiceDefinition {
  const methods = Object.entries(definition.methods).filter(([name]) => Object.hasOwn(handlers, name));
  const missing = Object.keys(handlers).filter((name) => !Object.hasOwn(definition.methods, name));
  if (missing.length > 0) throw new Error(`The service has no ${missing.join(", ")}.`);
  return { ...definition, methods: Object.fromEntries(methods) };
}

/** Codes of gRPC. */
export const codes = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export { vercel } from "./provider.ts";
export type { VercelOptions } from "./options.ts";
export type { VercelSandbox } from "./sandbox.ts";

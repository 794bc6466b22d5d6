export { e2b } from "./e2b-provider.ts";
export type { E2bOptions } from "./e2b-options.ts";
export type { E2bSandbox } from "./e2b-sandbox.ts";

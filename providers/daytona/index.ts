export { daytona } from "./daytona-provider.ts";
export type { DaytonaOptions } from "./daytona-options.ts";
export type { DaytonaSandbox } from "./daytona-sandbox.ts";

export { apple, type AppleOptions } from "./apple.ts";
export type { AppleSandbox } from "./apple-sandbox.ts";
export type { SandboxMount as AppleMount } from "../../src/kit.ts";

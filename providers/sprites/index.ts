export { sprites } from "./provider.ts";
export type { SpritesOptions } from "./options.ts";
export type { SpriteCheckpoint } from "./checkpoints.ts";
export type { SpritesSandbox } from "./sandbox.ts";

export { type SpritesStandIn, type SpritesStandInOptions, startSprites } from "./server.ts";

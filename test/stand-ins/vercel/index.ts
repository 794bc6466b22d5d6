export { type VercelStandIn, type VercelStandInOptions, startVercel } from "./server.ts";

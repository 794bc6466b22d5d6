export { acp } from "./acp.ts";
export type { AcpAgentOptions, AcpOptions, AcpPresetName } from "./options.ts";

import { keys, npmCli, type AcpPreset } from "./preset.ts";

export const droid: AcpPreset = {
  product: "Factory Droid",
  cli: npmCli("droid", "droid", "0.215.0"),
  args: ["exec", "--output-format", "acp"],
  credentials: keys("FACTORY_API_KEY"),
  profile: {
    authMethods: ["factory-api-key"],
    authRemedy: "Set FACTORY_API_KEY, or configure a model of one's own in ~/.factory/settings.json.",
    // Otherwise it would have the model say of each command how risky it is.
    sessionMode: ({ permissions, agentMode }) =>
      agentMode ?? (permissions === "allow-all" ? "auto-high" : undefined),
  },
  // Each message comes as a whole.
  capabilities: { usage: false, textDeltas: false },
};

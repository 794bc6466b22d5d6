import { npmCli, type AcpPreset } from "./preset.ts";

/** Claude Code, by an adapter that the makers of the protocol maintain. */
export const claude: AcpPreset = {
  product: "Claude Agent",
  cli: {
    ...npmCli("claude-agent-acp", "@agentclientprotocol/claude-agent-acp", "0.100.0"),
    nodeMajor: 22,
  },
  args: [],
  env: {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // Behind each turn it would ask the model what a person might say next.
    CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false",
    DISABLE_AUTOUPDATER: "1",
    IS_SANDBOX: "1",
  },
  credentials: {
    ...{ anyOf: [], secret: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] },
    forwarded: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL"],
  },
  // It tells who is logged in.
  profile: { extension: (method) => (method === "_auth/status_update" ? [] : undefined) },
  capabilities: { cost: true },
};

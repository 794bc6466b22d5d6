/** Where the key of a server of the caller's own is: named in the configuration, and so in no file. */
export const customKeyVariable = "PI_PROVIDER_API_KEY";

/** The name that a server of the caller's own has, unless the caller gives one. */
export const customProvider = "custom";

/** The variables in which Pi looks for the key of each of its providers; one suffices. */
export const providerVariables: { readonly [provider: string]: readonly string[] } = {
  anthropic: ["ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN"],
  openai: ["OPENAI_API_KEY"],
  google: ["GEMINI_API_KEY"],
  "azure-openai-responses": ["AZURE_OPENAI_API_KEY"],
  "cloudflare-ai-gateway": ["CLOUDFLARE_API_KEY"],
  "cloudflare-workers-ai": ["CLOUDFLARE_API_KEY"],
  "github-copilot": ["COPILOT_GITHUB_TOKEN"],
  "google-vertex": ["GOOGLE_CLOUD_API_KEY"],
  "kimi-coding": ["KIMI_API_KEY"],
  "minimax-cn": ["MINIMAX_CN_API_KEY"],
  "moonshotai-cn": ["MOONSHOT_API_KEY"],
  "opencode-go": ["OPENCODE_API_KEY"],
  "vercel-ai-gateway": ["AI_GATEWAY_API_KEY"],
  "xiaomi-token-plan-ams": ["XIAOMI_TOKEN_PLAN_AMS_API_KEY"],
  "xiaomi-token-plan-cn": ["XIAOMI_TOKEN_PLAN_CN_API_KEY"],
  "xiaomi-token-plan-sgp": ["XIAOMI_TOKEN_PLAN_SGP_API_KEY"],
  cerebras: ["CEREBRAS_API_KEY"],
  deepseek: ["DEEPSEEK_API_KEY"],
  fireworks: ["FIREWORKS_API_KEY"],
  groq: ["GROQ_API_KEY"],
  huggingface: ["HF_TOKEN"],
  minimax: ["MINIMAX_API_KEY"],
  mistral: ["MISTRAL_API_KEY"],
  moonshotai: ["MOONSHOT_API_KEY"],
  opencode: ["OPENCODE_API_KEY"],
  openrouter: ["OPENROUTER_API_KEY"],
  xai: ["XAI_API_KEY"],
  xiaomi: ["XIAOMI_API_KEY"],
  zai: ["ZAI_API_KEY"],
};

export function isBuiltIn(provider: string): boolean {
  return provider === "amazon-bedrock" || Object.hasOwn(providerVariables, provider);
}

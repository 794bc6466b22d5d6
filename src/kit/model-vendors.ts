/** Beginnings of names that only one vendor's models have. */
const names: readonly (readonly [pattern: RegExp, vendor: string])[] = [
  [/^(?:anthropic\/|claude-|(?:opus|sonnet|haiku)(?:$|\[|-\d))/i, "Anthropic"],
  [/^(?:openai\/|gpt-|chatgpt-|codex-|o[1345](?:-|$))/i, "OpenAI"],
  [/^(?:google\/|gemini-|gemma-?\d)/i, "Google"],
  [/^(?:x-ai\/|xai\/|grok-)/i, "xAI"],
  [/^(?:mistralai\/|mistral-|codestral-|devstral-)/i, "Mistral"],
  [/^(?:deepseek\/|deepseek-)/i, "DeepSeek"],
  [/^(?:qwen\/|qwen-?\d)/i, "Alibaba"],
  [/^(?:meta-llama\/|llama-?\d)/i, "Meta"],
];

/**
 * Returns the vendor that a model's name gives away, or `undefined` where the name may be anybody's. For backends whose
 * CLI reaches one vendor's models only.
 *
 * @example
 * modelVendor("gpt-5"); // "OpenAI"
 */
export function modelVendor(model: string): string | undefined {
  return names.find(([pattern]) => pattern.test(model))?.[1];
}

import { describeAgent } from "./describe-agent.ts";

for (const name of ["acp-copilot", "acp-gemini", "acp-opencode", "acp-qwen"]) describeAgent(name);

import { describeAgent } from "./describe-agent.ts";
import { describeAsking } from "./describe-asking.ts";

for (const name of ["acp-copilot", "acp-gemini", "acp-opencode"]) describeAgent(name, []);
for (const preset of ["copilot", "gemini"] as const) describeAsking(preset);

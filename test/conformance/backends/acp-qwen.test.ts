import { describeAgent } from "./describe-agent.ts";
import { describeAsking } from "./describe-asking.ts";

describeAgent("acp-qwen", []);
describeAsking("qwen");

import { describeAgent } from "./describe-agent.ts";
import { describeAsking } from "./describe-asking.ts";

// By itself, since most of its time is spent on waiting between refused requests.
describeAgent("acp-qwen", []);
describeAsking("qwen");

import { describeAgent } from "./describe-agent.ts";

describeAgent("acp-droid", []);

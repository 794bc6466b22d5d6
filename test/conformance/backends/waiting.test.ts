import { describeWaiting } from "./describe-agent.ts";

describeWaiting();

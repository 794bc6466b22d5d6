import { brokenConversations } from "./broken/conversations.ts";
import { brokenFeatures } from "./broken/features.ts";
import type { Broken } from "./broken/flaws.ts";
import { brokenRequests } from "./broken/requests.ts";

/** At least one for every requirement. */
export const brokenAgents: readonly Broken[] = [...brokenConversations, ...brokenRequests, ...brokenFeatures];

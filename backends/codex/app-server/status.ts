import {
  arrayField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServerStatus,
  type PlanEntry,
} from "../../../src/kit.ts";

type Events = readonly AgentEventBody[];

/** Notifications about which there is nothing to tell. */
export const silentNotifications: ReadonlySet<string> = new Set([
  "thread/started",
  "thread/status/changed",
  "thread/readState/changed",
  "thread/closed",
  "thread/compacted",
  "remoteControl/status/changed",
  "turn/diff/updated",
  "hook/started",
  "item/plan/delta",
  "item/fileChange/outputDelta",
  "item/fileChange/patchUpdated",
  "item/commandExecution/terminalInteraction",
  "item/mcpToolCall/progress",
  "account/updated",
  "skills/changed",
  "turn/moderationMetadata",
  "model/verification",
  "model/safetyBuffering/updated",
  "thread/environment/connected",
  "thread/environment/disconnected",
]);

const mcpStates: { readonly [state: string]: McpServerStatus["status"] } = {
  starting: "pending",
  ready: "connected",
  failed: "failed",
  cancelled: "disabled",
};

const defaultMode = "default";

/** What Codex tells of the session beside its items: names, models, servers, limits, warnings. */
export class SessionStatus {
  readonly #mcpServers = new Map<string, McpServerStatus>();
  #limits = "";
  #model: string | undefined;
  #effort: string | undefined;
  #agentMode = defaultMode;

  startProcess(model: string | undefined, agentMode = defaultMode): void {
    this.#mcpServers.clear();
    this.#model = model;
    this.#agentMode = agentMode;
  }

  get model(): string | undefined {
    return this.#model;
  }

  /** The mode of work that the thread is in. */
  get agentMode(): string {
    return this.#agentMode;
  }

  /** `undefined` for a notification that is none of these. */
  events(method: string, params: JsonObject): Events | undefined {
    switch (method) {
      case "turn/plan/updated":
        return [{ type: "plan.updated", entries: planEntries(params) }];
      case "thread/name/updated":
        return [{ type: "session.updated", title: stringField(params, "threadName") ?? "" }];
      case "thread/settings/updated":
        return this.#settings(objectField(params, "threadSettings"));
      case "model/rerouted":
        return this.#rerouted(params);
      case "mcpServer/startupStatus/updated":
        return this.#mcpServer(params);
      case "account/rateLimits/updated":
        return this.#rateLimits(objectField(params, "rateLimits"));
      case "warning":
      case "guardianWarning":
        return [notice("warning", stringField(params, "message"))];
      case "configWarning":
      case "deprecationNotice":
        return [notice("warning", sentence(stringField(params, "summary"), stringField(params, "details")))];
      case "modelProvider/authRecoveryStarted":
      case "modelProvider/authRecoveryCompleted":
        return [notice("info", stringField(params, "message"))];
      default:
        return undefined;
    }
  }

  #settings(settings: JsonObject): Events {
    const model = stringField(settings, "model");
    const effort = stringField(settings, "effort");
    const mode = stringField(objectField(settings, "collaborationMode"), "mode") ?? defaultMode;
    const event: AgentEventBody = {
      type: "session.updated",
      ...(model === undefined || model === this.#model ? {} : { model }),
      ...(mode === this.#agentMode ? {} : { mode }),
      ...(effort === undefined || effort === this.#effort ? {} : { thoughtLevel: effort }),
    };
    this.#model = model;
    this.#effort = effort;
    this.#agentMode = mode;
    return Object.keys(event).length > 1 ? [event] : [];
  }

  #rerouted(params: JsonObject): Events {
    const from = stringField(params, "fromModel") ?? "";
    const model = stringField(params, "toModel") ?? "";
    this.#model = model;
    return [
      { type: "session.updated", model },
      notice("warning", `The model ${from} was replaced by ${model}.`),
    ];
  }

  #mcpServer(params: JsonObject): Events {
    const name = stringField(params, "name") ?? "";
    const state = stringField(params, "status") ?? "";
    const message = stringField(params, "error");
    this.#mcpServers.set(name, {
      name,
      status: (Object.hasOwn(mcpStates, state) ? mcpStates[state] : undefined) ?? "pending",
      ...(message === undefined ? {} : { message }),
    });
    return [{ type: "session.updated", mcpServers: [...this.#mcpServers.values()] }];
  }

  /** Comes with every answer of the model, mostly with nothing in it or nothing new. */
  #rateLimits(limits: JsonObject): Events {
    const windows = ["primary", "secondary"].flatMap((name) => {
      const window = limits[name];
      const used = numberField(window, "usedPercent");
      if (used === undefined) return [];
      const minutes = numberField(window, "windowDurationMins");
      return [`${used} % of the ${minutes === undefined ? name : `${minutes} minutes'`} limit is used`];
    });
    const reached = stringField(limits, "rateLimitReachedType");
    const message = [...windows, ...(reached === undefined ? [] : [`limit reached: ${reached}`])].join(", ");
    if (message === "" || message === this.#limits) return [];
    this.#limits = message;
    return [notice(reached === undefined ? "info" : "warning", `Rate limits: ${message}.`)];
  }
}

const planStatuses: { readonly [status: string]: PlanEntry["status"] } = {
  pending: "pending",
  inProgress: "in_progress",
  completed: "completed",
};

function planEntries(params: JsonObject): readonly PlanEntry[] {
  return arrayField(params, "plan")
    .filter(isJsonObject)
    .map((step) => {
      const status = stringField(step, "status") ?? "";
      return {
        content: stringField(step, "step") ?? "",
        status: (Object.hasOwn(planStatuses, status) ? planStatuses[status] : undefined) ?? "pending",
      };
    });
}

function notice(level: "info" | "warning", message: string | undefined): AgentEventBody {
  return { type: "agent.notice", level, message: message ?? "Codex gave a notice without words." };
}

function sentence(summary: string | undefined, details: string | undefined): string | undefined {
  if (summary === undefined || details === undefined || details === "") return summary;
  return `${summary}: ${details}`;
}

import {
  arrayField,
  isJsonObject,
  objectField,
  stringField,
  type JsonObject,
  type PlanEntry,
} from "../../src/kit.ts";

type PlanStatus = PlanEntry["status"];

/**
 * Follows the agent's to-do list. Newer versions of the CLI change it entry by entry (`TaskCreate`, `TaskUpdate`), older
 * ones replace it (`TodoWrite`).
 */
export class Plan {
  readonly #tasks = new Map<string, { content: string; status: PlanStatus }>();

  /** The whole plan after a successful call; `undefined` when the call did not touch it. */
  after(tool: string, input: JsonObject, result: unknown): readonly PlanEntry[] | undefined {
    switch (tool) {
      case "TodoWrite":
        return arrayField(input, "todos").filter(isJsonObject).map(todoEntry);
      case "TaskCreate":
        return this.#create(input, result);
      case "TaskUpdate":
        return this.#update(input);
      case "TaskList":
        return this.#replace(result);
      default:
        return undefined;
    }
  }

  #create(input: JsonObject, result: unknown): readonly PlanEntry[] | undefined {
    const id = stringField(objectField(result, "task"), "id");
    const content = stringField(input, "subject");
    if (id === undefined || content === undefined) return undefined;
    this.#tasks.set(id, { content, status: "pending" });
    return this.#entries();
  }

  #update(input: JsonObject): readonly PlanEntry[] | undefined {
    const id = stringField(input, "taskId");
    if (id === undefined) return undefined;
    const status = stringField(input, "status");
    if (status === "deleted") {
      this.#tasks.delete(id);
      return this.#entries();
    }
    const known = this.#tasks.get(id);
    // A task from before this process: the list that names it was never seen.
    const content = stringField(input, "subject") ?? known?.content ?? `Task ${id}`;
    this.#tasks.set(id, { content, status: planStatus(status) ?? known?.status ?? "pending" });
    return this.#entries();
  }

  #replace(result: unknown): readonly PlanEntry[] | undefined {
    if (!isJsonObject(result) || !Array.isArray(result["tasks"])) return undefined;
    this.#tasks.clear();
    for (const task of arrayField(result, "tasks")) {
      const id = stringField(task, "id");
      if (id === undefined) continue;
      const content = stringField(task, "subject") ?? `Task ${id}`;
      this.#tasks.set(id, { content, status: planStatus(stringField(task, "status")) ?? "pending" });
    }
    return this.#entries();
  }

  #entries(): readonly PlanEntry[] {
    return [...this.#tasks.values()].map(({ content, status }) => ({ content, status }));
  }
}

function todoEntry(todo: JsonObject): PlanEntry {
  return {
    content: stringField(todo, "content") ?? "",
    status: planStatus(stringField(todo, "status")) ?? "pending",
  };
}

function planStatus(status: string | undefined): PlanStatus | undefined {
  return status === "pending" || status === "in_progress" || status === "completed" ? status : undefined;
}

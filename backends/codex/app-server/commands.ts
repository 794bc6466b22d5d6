import { numberField, stringField, type AgentEventBody, type JsonObject } from "../../../src/kit.ts";
import { toolOf } from "./items.ts";

/** Why a command outlived its turn. */
type LeftBy = "interrupt" | "background";

/** The commands that Codex runs: some go on when the turn is over, in the background or because it was interrupted. */
export class Commands {
  readonly #running = new Map<string, string>();
  readonly #left = new Map<string, { readonly title: string; readonly by: LeftBy }>();

  startProcess(): void {
    this.#running.clear();
    this.#left.clear();
  }

  started(item: JsonObject): void {
    const id = stringField(item, "id");
    if (id !== undefined && isCommand(item)) this.#running.set(id, toolOf(item)?.title ?? "");
  }

  completed(item: JsonObject): void {
    this.#running.delete(stringField(item, "id") ?? "");
  }

  /** Returns the commands that still run, which from now on belong to no turn. */
  turnEnded(by: LeftBy): readonly string[] {
    const left = [...this.#running];
    this.#running.clear();
    for (const [id, title] of left) this.#left.set(id, { title, by });
    return left.map(([id]) => id);
  }

  /** Whether an item's turn ended before it, so that its call is closed already. */
  isLeft(id: string | undefined): boolean {
    return id !== undefined && this.#left.has(id);
  }

  /** What there is to tell of the end of a command whose turn is over. */
  leftCompleted(item: JsonObject): readonly AgentEventBody[] {
    const id = stringField(item, "id") ?? "";
    const left = this.#left.get(id);
    this.#left.delete(id);
    if (left?.by !== "background") return [];
    const exitCode = numberField(item, "exitCode");
    const how = exitCode === undefined ? "" : ` with code ${exitCode}`;
    return [
      {
        type: "agent.notice",
        level: "info",
        message: `A command in the background ended${how}: ${left.title}`,
      },
    ];
  }
}

function isCommand(item: JsonObject): boolean {
  return stringField(item, "type") === "commandExecution";
}

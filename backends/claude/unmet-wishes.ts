import { arrayField, stringField, type AgentEventBody, type JsonObject, type Skill } from "../../src/kit.ts";
import type { AllowedTools } from "./allowed-tools.ts";
import type { ModelList } from "./models.ts";
import { skillName } from "./session-skills.ts";
import { toolName } from "./tools.ts";

export interface Wishes {
  readonly allowed: AllowedTools;
  readonly skills: readonly Skill[];
  readonly thinking: string | undefined;
}

/** Tells once what the session asked for and the CLI, by its own account, has not taken up: it says nothing of it. */
export class UnmetWishes {
  readonly #wishes: Wishes;
  readonly #told = new Set<string>();

  constructor(wishes: Wishes) {
    this.#wishes = wishes;
  }

  /** From an `init` line. */
  notices(line: JsonObject, models: ModelList): readonly AgentEventBody[] {
    const { allowed, skills, thinking } = this.#wishes;
    const offered = strings(line, "tools").map(toolName);
    const known = strings(line, "skills");
    const problem =
      thinking === undefined ? undefined : models.thinkingProblem(stringField(line, "model") ?? "", thinking);
    const messages = [
      ...allowed.unknown(offered).map((name) => `Claude Code has no tool ${name} that could be allowed.`),
      ...skills
        .filter((skill) => isListed(skill) && !known.includes(skillName(skill)))
        .map(({ name }) => `Claude Code does not offer the skill ${name}: has its SKILL.md a description?`),
      ...(problem === undefined ? [] : [problem]),
    ];
    return messages
      .filter((message) => !this.#told.has(message))
      .map((message) => {
        this.#told.add(message);
        return { type: "agent.notice", level: "warning", message };
      });
  }
}

function strings(line: JsonObject, name: string): readonly string[] {
  return arrayField(line, name).filter((item) => typeof item === "string");
}

/** The CLI's list leaves out those that only the model is to use. */
function isListed({ files }: Skill): boolean {
  const content = files["SKILL.md"] ?? "";
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  return !/^user-invocable\s*:/m.test(text);
}

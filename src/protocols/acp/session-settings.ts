import { arrayField, isJsonObject, objectField, stringField } from "../../kit/json.ts";
import type { ModelInfo } from "../../spec/backend.ts";
import type { AgentEventBody } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";

/** A request that changes a setting of the session, without its `sessionId`. */
export interface SettingRequest {
  readonly method: "session/set_mode" | "session/set_model" | "session/set_config_option";
  readonly params: JsonObject;
}

interface Choice {
  readonly value: string;
  readonly name: string;
}

interface ConfigOption {
  readonly id: string;
  readonly category: string | undefined;
  readonly current: string | boolean | undefined;
  readonly choices: readonly Choice[];
}

type Noun = "mode" | "model" | "thought_level";

/** What an agent lets its client choose: config options, and the session modes and models that came before them. */
export class SessionSettings {
  #options: readonly ConfigOption[] = [];
  #modes: readonly Choice[] = [];
  #models: readonly Choice[] = [];
  #mode: string | undefined;
  #model: string | undefined;

  get model(): string | undefined {
    const current = this.#option("model")?.current;
    return typeof current === "string" ? current : this.#model;
  }

  get mode(): string | undefined {
    return this.#mode ?? this.#currentOf("mode");
  }

  get thoughtLevel(): string | undefined {
    return this.#currentOf("thought_level");
  }

  /** The models that the agent names, the current one as the default. */
  get models(): readonly ModelInfo[] {
    const choices = this.#option("model")?.choices ?? this.#models;
    const current = this.model;
    return choices.map(({ value, name }) => ({
      id: value,
      name,
      ...(value === current ? { isDefault: true } : {}),
    }));
  }

  /** Takes in the answer to a request that made or took up a session, or that set a config option. */
  learn(result: unknown): void {
    if (!isJsonObject(result)) return;
    const { modes, models, configOptions } = result;
    if (isJsonObject(modes)) {
      this.#modes = choices(arrayField(modes, "availableModes"), "id");
      this.#mode = stringField(modes, "currentModeId") ?? this.#mode;
    }
    if (isJsonObject(models)) {
      this.#models = choices(arrayField(models, "availableModels"), "modelId");
      this.#model = stringField(models, "currentModelId") ?? this.#model;
    }
    if (Array.isArray(configOptions)) this.#options = configOptions.flatMap(configOption);
  }

  /** What an update about a setting changes for the host; nothing when it says what is known. */
  update(update: JsonObject): readonly AgentEventBody[] {
    const before = [this.mode, this.model, this.thoughtLevel];
    const mode = stringField(update, "currentModeId");
    if (mode !== undefined) this.#mode = mode;
    if (Array.isArray(update["configOptions"])) {
      this.learn(update);
      // The option is the truth where an agent tells its mode in both ways.
      this.#mode = this.#currentOf("mode") ?? this.#mode;
    }
    const changed = {
      ...(this.mode === undefined || this.mode === before[0] ? {} : { mode: this.mode }),
      ...(this.model === undefined || this.model === before[1] ? {} : { model: this.model }),
      ...(this.thoughtLevel === undefined || this.thoughtLevel === before[2]
        ? {}
        : { thoughtLevel: this.thoughtLevel }),
    };
    return Object.keys(changed).length === 0 ? [] : [{ type: "session.updated", ...changed }];
  }

  /** The request that sets the mode; a text when the agent offers no such mode. */
  setMode(mode: string): SettingRequest | string {
    const option = this.#option("mode");
    if (this.#modes.some(({ value }) => value === mode)) {
      return { method: "session/set_mode", params: { modeId: mode } };
    }
    if (option !== undefined && offers(option, mode)) return setOption(option.id, mode);
    return notOffered("mode", mode, [...this.#modes, ...(option?.choices ?? [])]);
  }

  /** The request that sets the model; a text when the agent lets no model be chosen. */
  setModel(model: string): SettingRequest | string {
    const option = this.#option("model");
    if (option !== undefined && offers(option, model)) return setOption(option.id, model);
    if (this.#models.length > 0 || this.#model !== undefined) {
      // Some agents add to a model's name what makes it an id of theirs.
      const named =
        this.#models.find(({ value }) => value === model) ?? this.#models.find(({ name }) => name === model);
      // The list need not be whole: the agent knows whether it has the model.
      return { method: "session/set_model", params: { modelId: named?.value ?? model } };
    }
    if (option?.choices.length === 0) return setOption(option.id, model);
    return notOffered("model", model, option?.choices ?? []);
  }

  setThinking(level: string, optionId?: string): SettingRequest | string {
    const option = optionId === undefined ? this.#option("thought_level") : this.#byId(optionId);
    if (option !== undefined && offers(option, level)) return setOption(option.id, level);
    return notOffered("level of thinking", level, option?.choices ?? []);
  }

  setConfig(id: string, value: string | boolean): SettingRequest | string {
    const option = this.#byId(id);
    if (option === undefined) return `It has no config option "${id}".`;
    return setOption(id, value);
  }

  /** The agent has accepted the request. */
  accepted({ method, params }: SettingRequest): void {
    if (method === "session/set_mode") this.#mode = stringField(params, "modeId") ?? this.#mode;
    if (method === "session/set_model") this.#model = stringField(params, "modelId") ?? this.#model;
    if (method !== "session/set_config_option") return;
    const { configId, value } = params;
    if (typeof value !== "string" && typeof value !== "boolean") return;
    this.#options = this.#options.map((option) =>
      option.id === configId ? { ...option, current: value } : option,
    );
  }

  #option(noun: Noun): ConfigOption | undefined {
    return (
      this.#options.find(({ category }) => category === noun) ??
      this.#options.find(({ id, category }) => id === noun && category === undefined)
    );
  }

  #byId(id: string): ConfigOption | undefined {
    return this.#options.find((option) => option.id === id);
  }

  #currentOf(noun: Noun): string | undefined {
    const current = this.#option(noun)?.current;
    return typeof current === "string" ? current : undefined;
  }
}

function offers(option: ConfigOption, value: string): boolean {
  return option.choices.some((choice) => choice.value === value);
}

function setOption(configId: string, value: string | boolean): SettingRequest {
  const type = typeof value === "boolean" ? { type: "boolean" } : {};
  return { method: "session/set_config_option", params: { configId, ...type, value } };
}

/** Some agents offer hundreds of models. */
const mostListed = 20;

function listed(names: readonly string[]): string {
  if (names.length <= mostListed) return names.join(", ");
  return `${names.slice(0, mostListed).join(", ")} and ${String(names.length - mostListed)} more`;
}

function notOffered(noun: string, value: string, offered: readonly Choice[]): string {
  const names = [...new Set(offered.map((choice) => choice.value))];
  return names.length === 0
    ? `It lets no ${noun} be chosen.`
    : `It does not offer the ${noun} "${value}", only ${listed(names)}.`;
}

function choices(values: readonly unknown[], idName: string): readonly Choice[] {
  return values.flatMap((item): Choice[] => {
    const value = stringField(item, idName);
    return value === undefined ? [] : [{ value, name: stringField(item, "name") ?? value }];
  });
}

function configOption(value: unknown): ConfigOption[] {
  const id = stringField(value, "id");
  if (id === undefined || !isJsonObject(value)) return [];
  const current = value["currentValue"];
  return [
    {
      id,
      category: stringField(value, "category"),
      current: typeof current === "string" || typeof current === "boolean" ? current : undefined,
      choices: arrayField(value, "options").flatMap((item) =>
        // Options may be grouped.
        choices(
          Array.isArray(objectField({ item }, "item")["options"]) ? arrayField(item, "options") : [item],
          "value",
        ),
      ),
    },
  ];
}

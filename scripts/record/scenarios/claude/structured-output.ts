import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import type { AgentBackend, JsonObject } from "../../../../src/kit.ts";
import { directiveScenario } from "../../../../src/testing/model-server/index.ts";
import type { PlannedScenario, Scenario } from "../../scenario.ts";

const numberSchema: JsonObject = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: { number: { type: "integer" } },
  required: ["number"],
  additionalProperties: false,
};
const listSchema: JsonObject = { type: "array", items: { type: "integer" } };

function structured(
  name: string,
  about: string,
  prompt: string,
  rest: Partial<Scenario<ClaudeOptions>> & { readonly schema?: JsonObject } = {},
): Scenario<ClaudeOptions> & { readonly schema: JsonObject } {
  const { schema = numberSchema, ...others } = rest;
  return {
    name: `structured-output${name}`,
    about,
    ...others,
    schema,
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn(prompt, schema);
      await recorder.exited();
    },
  };
}

const wrong = '!json {"number":"one"}';
const right = '!json {"number":1}';

export const structuredScenarios = [
  structured("", "An output by a schema; the first is refused.", `${wrong}\n${right}`),
  structured("-refused", "No output is what the schema wants.", Array(6).fill(wrong).join("\n")),
  structured("-denied", "An output by a schema, where no tool may be used.", `!shell touch a\n${right}`, {
    input: { permissions: "deny-all" },
  }),
  structured("-words", "A schema that can only be told in words.", "Two numbers, please.", {
    schema: listSchema,
    model: (request) =>
      request.side === undefined ? [{ type: "text", text: "[1, 2]" }] : directiveScenario(request),
  }),
] as const;

/** As the core launches the process of such a turn: it is given the schema at its start. */
export function launchedWithSchema(scenario: PlannedScenario): PlannedScenario {
  const schema = structuredScenarios.find(({ name }) => name === scenario.name)?.schema;
  if (schema === undefined) return scenario;
  const turn = { turnId: "turn-1", content: [], outputSchema: schema };
  return {
    ...scenario,
    launched: (model): AgentBackend => {
      const backend = scenario.launched(model);
      return { ...backend, launch: (input) => backend.launch({ ...input, turn }) };
    },
  };
}

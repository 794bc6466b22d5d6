import { type Scenario, startModelServer } from "playpen/testing";

/** How the examples reach a model: the real one when there is a key, else the stand-in that comes with the library. */
export interface ExampleModel extends AsyncDisposable {
  readonly description: string;
  /** Options for `claude()` and `codex()`. Without a stand-in they are empty: the vendors' defaults apply. */
  readonly claude: { readonly baseUrl?: string; readonly env?: { readonly [name: string]: string } };
  readonly codex: {
    readonly baseUrl?: string;
    readonly model?: string;
    readonly env?: { readonly [name: string]: string };
  };
}

/** Takes the real models when every named key is in the environment, otherwise starts the stand-in. */
export async function exampleModel(keys: readonly string[], scenario: Scenario): Promise<ExampleModel> {
  if (keys.every((key) => (process.env[key] ?? "") !== "")) {
    return {
      description: `the real model (${keys.join(" and ")} is set)`,
      claude: {},
      codex: {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const server = await startModelServer({ scenario });
  return {
    description: `the stand-in model that comes with playpen (set ${keys.join(" and ")} for the real one)`,
    claude: { baseUrl: server.url, env: { ANTHROPIC_API_KEY: "stand-in-key" } },
    codex: { baseUrl: `${server.url}/v1`, model: "stand-in", env: { OPENAI_API_KEY: "stand-in-key" } },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

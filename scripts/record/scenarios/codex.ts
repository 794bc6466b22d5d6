import { codex } from "../../../backends/codex/index.ts";
import { defineRecording } from "../scenario.ts";
import { abilityScenarios } from "./codex/abilities.ts";
import { answerScenarios } from "./codex/answers.ts";
import { execScenarios } from "./codex/exec.ts";
import { failureScenarios } from "./codex/failures.ts";
import { interruptScenarios } from "./codex/interrupts.ts";
import { permissionScenarios } from "./codex/permissions.ts";
import { sessionScenarios } from "./codex/sessions.ts";
import { toolScenarios } from "./codex/tools.ts";

export default defineRecording({
  backend: codex,
  connect: (options, { url, apiKey }) => ({
    ...options,
    apiKey,
    baseUrl: `${url}/v1`,
    config: {
      "model_providers.playpen.request_max_retries": 1,
      "model_providers.playpen.stream_max_retries": 1,
      ...options.config,
    },
  }),
  scenarios: [
    ...answerScenarios,
    ...toolScenarios,
    ...permissionScenarios,
    ...interruptScenarios,
    ...failureScenarios,
    ...sessionScenarios,
    ...execScenarios,
    ...abilityScenarios,
  ],
});

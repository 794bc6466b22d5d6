import { qwen } from "../../../backends/qwen/index.ts";
import { defineRecording } from "../scenario.ts";
import { answerScenarios } from "./qwen/answers.ts";
import { failureScenarios } from "./qwen/failures.ts";
import { interruptScenarios } from "./qwen/interrupts.ts";
import { permissionScenarios } from "./qwen/permissions.ts";
import { sessionScenarios } from "./qwen/sessions.ts";
import { toolScenarios } from "./qwen/tools.ts";
import { turnModeScenarios } from "./qwen/turn-mode.ts";

export default defineRecording({
  backend: qwen,
  options: { baseUrl: "http://127.0.0.1:9/v1", model: "stand-in", models: ["other"], maxRetries: 0 },
  connect: (options, { url, apiKey }) => ({ ...options, apiKey, baseUrl: `${url}/v1` }),
  scenarios: [
    ...answerScenarios,
    ...toolScenarios,
    ...permissionScenarios,
    ...interruptScenarios,
    ...failureScenarios,
    ...sessionScenarios,
    ...turnModeScenarios,
  ],
});

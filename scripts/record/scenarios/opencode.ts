import { opencode } from "../../../backends/opencode/index.ts";
import { defineRecording } from "../scenario.ts";
import { answerScenarios } from "./opencode/answers.ts";
import { failureScenarios } from "./opencode/failures.ts";
import { interruptScenarios } from "./opencode/interrupts.ts";
import { permissionScenarios } from "./opencode/permissions.ts";
import { sessionScenarios } from "./opencode/sessions.ts";
import { toolScenarios } from "./opencode/tools.ts";
import { turnModeScenarios } from "./opencode/turn-mode.ts";

export default defineRecording({
  backend: opencode,
  options: { baseUrl: "http://127.0.0.1:9/v1", model: "stand-in", models: ["other"] },
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

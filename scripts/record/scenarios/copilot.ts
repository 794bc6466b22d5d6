import { copilot } from "../../../backends/copilot/index.ts";
import { defineRecording } from "../scenario.ts";
import { answerScenarios } from "./copilot/answers.ts";
import { failureScenarios } from "./copilot/failures.ts";
import { interruptScenarios } from "./copilot/interrupts.ts";
import { permissionScenarios } from "./copilot/permissions.ts";
import { sessionScenarios } from "./copilot/sessions.ts";
import { toolScenarios } from "./copilot/tools.ts";
import { turnModeScenarios } from "./copilot/turn-mode.ts";

export default defineRecording({
  backend: copilot,
  options: { model: "gpt-5.4" },
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

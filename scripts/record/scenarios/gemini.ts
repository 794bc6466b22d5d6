import { gemini } from "../../../backends/gemini/index.ts";
import { defineRecording } from "../scenario.ts";
import { answerScenarios } from "./gemini/answers.ts";
import { failureScenarios } from "./gemini/failures.ts";
import { interruptScenarios } from "./gemini/interrupts.ts";
import { permissionScenarios } from "./gemini/permissions.ts";
import { processScenarios } from "./gemini/processes.ts";
import { toolScenarios } from "./gemini/tools.ts";

export default defineRecording({
  backend: gemini,
  options: { model: "gemini-2.5-flash" },
  connect: (options, { url, apiKey }) => ({
    ...options,
    baseUrl: url,
    env: { GEMINI_API_KEY: apiKey, ...options.env },
    settings: { general: { maxAttempts: 2 }, ...options.settings },
  }),
  scenarios: [
    ...answerScenarios,
    ...toolScenarios,
    ...permissionScenarios,
    ...interruptScenarios,
    ...failureScenarios,
    ...processScenarios,
  ],
});

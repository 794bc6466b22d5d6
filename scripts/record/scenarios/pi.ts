import { pi } from "../../../backends/pi/index.ts";
import { defineRecording } from "../scenario.ts";
import { answerScenarios } from "./pi/answers.ts";
import { failureScenarios } from "./pi/failures.ts";
import { interruptScenarios } from "./pi/interrupts.ts";
import { permissionScenarios } from "./pi/permissions.ts";
import { sessionScenarios } from "./pi/sessions.ts";
import { toolScenarios } from "./pi/tools.ts";

export default defineRecording({
  backend: pi,
  options: {
    baseUrl: "http://127.0.0.1:9/v1",
    models: [{ id: "stand-in", reasoning: true, cost: { input: 3, output: 15, cacheRead: 0.3 } }, "other"],
    settings: { retry: { maxRetries: 2, baseDelayMs: 100, provider: { maxRetries: 0 } } },
  },
  connect: (options, { url, apiKey }) => ({ ...options, apiKey, baseUrl: `${url}/v1` }),
  scenarios: [
    ...answerScenarios,
    ...toolScenarios,
    ...permissionScenarios,
    ...interruptScenarios,
    ...failureScenarios,
    ...sessionScenarios,
  ],
});

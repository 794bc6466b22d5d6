import { droid } from "../../../backends/droid/index.ts";
import { defineRecording } from "../scenario.ts";
import { answerScenarios } from "./droid/answers.ts";
import { failureScenarios } from "./droid/failures.ts";
import { interruptScenarios } from "./droid/interrupts.ts";
import { permissionScenarios } from "./droid/permissions.ts";
import { sessionScenarios } from "./droid/sessions.ts";
import { toolScenarios } from "./droid/tools.ts";

export default defineRecording({
  backend: droid,
  options: {
    baseUrl: "http://127.0.0.1:9/v1",
    models: [{ id: "stand-in", reasoning: true }, "other"],
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

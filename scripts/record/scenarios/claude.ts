import { claude } from "../../../backends/claude/index.ts";
import { defineRecording, type Recording } from "../scenario.ts";
import { abilityScenarios } from "./claude/abilities.ts";
import { answerScenarios } from "./claude/answers.ts";
import { failureScenarios } from "./claude/failures.ts";
import { interruptScenarios } from "./claude/interrupts.ts";
import { permissionScenarios } from "./claude/permissions.ts";
import { processScenarios } from "./claude/processes.ts";
import { launchedWithSchema, structuredScenarios } from "./claude/structured-output.ts";
import { toolScenarios } from "./claude/tools.ts";

const { scenarios } = defineRecording({
  backend: claude,
  connect: (options, { url, apiKey }) => ({ ...options, apiKey, baseUrl: url }),
  env: { CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: "1", CLAUDE_CODE_MAX_RETRIES: "2" },
  scenarios: [
    ...answerScenarios,
    ...toolScenarios,
    ...permissionScenarios,
    ...interruptScenarios,
    ...failureScenarios,
    ...processScenarios,
    ...abilityScenarios,
    ...structuredScenarios,
  ],
});

export default { scenarios: scenarios.map(launchedWithSchema) } satisfies Recording;

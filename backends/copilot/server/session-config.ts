import type { JsonObject, ProtocolInput } from "../../../src/kit.ts";
import { mcpServers } from "../mcp-servers.ts";
import type { CopilotOptions } from "../options.ts";
import { trustsProject } from "../project-trust.ts";
import { skillsFolder } from "../skills.ts";

/**
 * What a session is created and resumed with. The provider of the model is not among it: the bridge adds that, since
 * it is in the environment.
 */
export function sessionConfig(
  options: CopilotOptions,
  input: ProtocolInput,
  model: string | undefined,
): JsonObject {
  const { systemPrompt, permissions, allowedTools, skills = [], thinking, answersQuestions } = input;
  const isTrusted = trustsProject(options, permissions);
  return {
    clientName: "playpen",
    workingDirectory: input.cwd,
    streaming: true,
    includeSubAgentStreamingEvents: false,
    enableSessionTelemetry: false,
    // Whatever the hook below does not decide on is asked for, and so is everything without it.
    requestPermission: true,
    // A hook is called for each tool call, also for those that the CLI would not ask about.
    hooks: permissions !== "allow-all",
    requestUserInput: answersQuestions && permissions !== "deny-all",
    envValueMode: "direct",
    mcpServers: mcpServers(input.mcpServers),
    // Hooks of the project run before anybody is asked, and may allow what the host would not.
    enableFileHooks: isTrusted,
    enableConfigDiscovery: isTrusted,
    ...(model === undefined ? {} : { model }),
    ...(thinking === undefined ? {} : { reasoningEffort: thinking }),
    ...(systemPrompt === undefined ? {} : { systemMessage: systemMessage(systemPrompt) }),
    ...(allowedTools === undefined ? {} : { availableTools: allowedTools }),
    ...(options.excludedTools === undefined ? {} : { excludedTools: options.excludedTools }),
    ...(options.customInstructions === false ? { skipCustomInstructions: true } : {}),
    ...(skills.length === 0 ? {} : { enableSkills: true, skillDirectories: [skillsFolder(input)] }),
  };
}

function systemMessage(prompt: NonNullable<ProtocolInput["systemPrompt"]>): JsonObject {
  return "append" in prompt
    ? { mode: "append", content: prompt.append }
    : { mode: "replace", content: prompt.replace };
}

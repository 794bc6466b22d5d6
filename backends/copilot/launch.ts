import type { Environment, Launch, LaunchFile, LaunchInput } from "../../src/kit.ts";
import { lineBridge } from "./line-bridge.ts";
import type { CopilotOptions } from "./options.ts";
import { checkProjectTrust, trustsProject } from "./project-trust.ts";
import { quietArguments } from "./quiet-arguments.ts";
import { sessionFolder, skillFiles } from "./skills.ts";
import { instructionsFolder, turnLaunch } from "./turn/launch.ts";

/** How the CLI is started. Neither secrets nor texts of any length are among the arguments. */
export function copilotLaunch(options: CopilotOptions, input: LaunchInput): Launch {
  checkProjectTrust(options, input.permissions);
  const { argv, files } =
    options.mode === "turn"
      ? turnLaunch(options, input, commandOf(options, input))
      : serverLaunch(options, input);
  return { argv, env: environment(options, input), files: [...files, ...skillFiles(input)] };
}

function serverLaunch(options: CopilotOptions, input: LaunchInput): Omit<Launch, "env"> {
  const bridge: LaunchFile = { path: `${sessionFolder(input)}/line-bridge.cjs`, content: lineBridge };
  return {
    argv: [
      "node",
      bridge.path,
      ...commandOf(options, input),
      "--headless",
      "--stdio",
      ...quietArguments(options),
      ...(options.extraArgs ?? []),
    ],
    files: [bridge],
  };
}

function commandOf(options: CopilotOptions, input: LaunchInput): readonly [string, ...string[]] {
  const { command } = options;
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}

function environment(options: CopilotOptions, input: LaunchInput): Environment {
  return {
    // The sessions of a sandbox share the CLI's folder, so that one can be taken up by another.
    COPILOT_HOME: `${input.stateDirectory}/copilot`,
    COPILOT_AUTO_UPDATE: "false",
    // The server does not start without one where the environment names a provider.
    ...(input.model === undefined ? {} : { COPILOT_MODEL: input.model }),
    // Exactly "true" is also the CLI's word for trust in the working directory.
    COPILOT_ALLOW_ALL: trustsProject(options, input.permissions) ? "true" : "false",
    COPILOT_ASSISTED_APPROVAL: "false",
    ...(options.mode === "turn" && input.systemPrompt !== undefined ? instructions(input) : {}),
  };
}

/** One shot takes an addition to the system prompt only by a file of instructions. */
function instructions(input: LaunchInput): Environment {
  const others = input.env["COPILOT_CUSTOM_INSTRUCTIONS_DIRS"] ?? "";
  const folders = [...(others === "" ? [] : [others]), instructionsFolder(input)];
  return { COPILOT_CUSTOM_INSTRUCTIONS_DIRS: folders.join(",") };
}

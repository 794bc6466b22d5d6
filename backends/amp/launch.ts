import type { JsonObject, Launch, LaunchFile, LaunchInput, McpServers } from "../../src/kit.ts";
import type { AmpOptions } from "./options.ts";

/** How the one turn of the input is started; its prompt goes over standard input. */
export function ampLaunch(options: AmpOptions, input: LaunchInput): Launch {
  const folder = `${input.stateDirectory}/sessions/${input.sessionId}`;
  const { resume, agentMode, mcpServers } = input;
  const files: LaunchFile[] = [
    {
      path: `${folder}/settings.json`,
      content: JSON.stringify(settings(options, input, `${folder}/skills`)),
    },
    ...skillFiles(input, `${folder}/skills`),
  ];
  const args = [
    ...(resume === undefined ? [] : ["threads", "continue", resume.nativeSessionId]),
    "--execute",
    "--stream-json-thinking",
    // A prompt as plain text would be trimmed, and could hold no image.
    "--stream-json-input",
    "--settings-file",
    `${folder}/settings.json`,
    "--no-ide",
    "--no-notifications",
    "--no-color",
    "--no-remote-control-terminal",
  ];
  if (Object.keys(mcpServers).length > 0) {
    // By file, since servers' variables and headers may hold secrets.
    const path = `${folder}/mcp.json`;
    files.push({ path, content: JSON.stringify(serverConfigs(mcpServers)) });
    args.push("--mcp-config", path);
  }
  // A thread keeps what it was begun with.
  if (resume === undefined) {
    args.push("--executor", "local", "--no-archive-after-execute");
    if (agentMode !== undefined) args.push("--mode", agentMode);
    if (options.visibility !== undefined) args.push("--visibility", options.visibility);
  }
  return {
    argv: [...commandOf(options, input), ...args, ...(options.extraArgs ?? [])],
    env: {},
    files,
  };
}

function commandOf({ command }: AmpOptions, input: LaunchInput): readonly [string, ...string[]] {
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}

function settings(options: AmpOptions, input: LaunchInput, skillsFolder: string): JsonObject {
  const allowsAll = input.permissions === "allow-all";
  return {
    // Neither looks for a newer version nor installs one.
    "amp.updates.mode": "disabled",
    "amp.remoteThreadCreation.enabled": false,
    ...options.settings,
    "amp.dangerouslyAllowAll": allowsAll,
    // The CLI's own rules ask for some calls even so, and nobody is there to answer.
    "amp.permissions": [{ tool: "*", action: allowsAll ? "allow" : "reject" }],
    ...((input.skills ?? []).length === 0 ? {} : { "amp.skills.path": skillsFolder }),
  };
}

function skillFiles({ skills = [] }: LaunchInput, folder: string): readonly LaunchFile[] {
  return skills.flatMap(({ name, files }) =>
    Object.entries(files).map(([path, content]) => ({ path: `${folder}/${name}/${path}`, content })),
  );
}

function serverConfigs(servers: McpServers): JsonObject {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]): [string, JsonObject] => {
      if (server.type === "http") return [name, { url: server.url, headers: { ...server.headers } }];
      const { command, args = [], env = {} } = server;
      return [name, { command, args: [...args], env: { ...env } }];
    }),
  );
}

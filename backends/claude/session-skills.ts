import type { LaunchFile, Skill } from "../../src/kit.ts";

const pluginName = "playpen";

/** The name by which the CLI knows a skill of the session. */
export function skillName({ name }: Skill): string {
  return `${pluginName}:${name}`;
}

/**
 * The files of a plugin that holds the session's skills. A plugin is loaded by argument, for one process alone: in the
 * folder of settings, which the sessions of a sandbox share, they would be everybody's.
 */
export function skillFiles(folder: string, skills: readonly Skill[], version: string): readonly LaunchFile[] {
  const manifest = { name: pluginName, version, description: "Skills of this session" };
  return [
    { path: `${folder}/.claude-plugin/plugin.json`, content: JSON.stringify(manifest) },
    ...skills.flatMap(({ name, files }) =>
      Object.entries(files).map(([path, content]): LaunchFile => {
        const file = { path: `${folder}/skills/${name}/${path}`, content };
        return isProgram(content) ? { ...file, mode: 0o700 } : file;
      }),
    ),
  ];
}

function isProgram(content: string | Uint8Array): boolean {
  if (typeof content === "string") return content.startsWith("#!");
  return content[0] === 0x23 && content[1] === 0x21;
}

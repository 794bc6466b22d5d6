import { arrayField, stringField, type AgentSessionInput, type LaunchFile } from "../../src/kit.ts";

/** The folder of the session's skills, which its process alone is told of. */
export function skillFolder({ stateDirectory, sessionId }: AgentSessionInput): string {
  return `${stateDirectory}/skills/${sessionId}`;
}

export function skillFiles(input: AgentSessionInput): readonly LaunchFile[] {
  return (input.skills ?? []).flatMap(({ name, files }) =>
    Object.entries(files).map(([path, content]): LaunchFile => {
      const file = { path: `${skillFolder(input)}/${name}/${path}`, content };
      return isProgram(content) ? { ...file, mode: 0o700 } : file;
    }),
  );
}

/** What keeps skills of the session from being offered, from an answer to `skills/list`. */
export function skillProblems(input: AgentSessionInput, result: unknown): readonly string[] {
  const folders = arrayField(result, "data");
  const listed = folders
    .flatMap((folder) => arrayField(folder, "skills"))
    .flatMap((skill) => stringField(skill, "path") ?? []);
  const errors = folders.flatMap((folder) => arrayField(folder, "errors"));
  return (input.skills ?? []).flatMap(({ name }) => {
    // What stands before may be a link, which is resolved.
    const isOf = (path: string): boolean => path.includes(`/${input.sessionId}/${name}/`);
    if (listed.some(isOf)) return [];
    const error = errors.find((one) => isOf(stringField(one, "path") ?? ""));
    const reason = stringField(error, "message") ?? "it does not say why";
    return [`Codex does not offer the skill ${name}: ${reason}`];
  });
}

function isProgram(content: string | Uint8Array): boolean {
  if (typeof content === "string") return content.startsWith("#!");
  return content[0] === 0x23 && content[1] === 0x21;
}

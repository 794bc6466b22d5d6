import type { AgentSessionInput, LaunchFile } from "../../src/kit.ts";

type Session = Pick<AgentSessionInput, "stateDirectory" | "sessionId" | "skills">;

/** What the backend keeps for one session. */
export function sessionFolder({ stateDirectory, sessionId }: Session): string {
  return `${stateDirectory}/sessions/${sessionId}`;
}

/** In the place where the CLI looks for skills below a folder that was added. */
export function skillsFolder(session: Session): string {
  return `${sessionFolder(session)}/.github/skills`;
}

export function skillFiles(session: Session): readonly LaunchFile[] {
  const folder = skillsFolder(session);
  return (session.skills ?? []).flatMap(({ name, files }) =>
    Object.entries(files).map(([path, content]) => ({ path: `${folder}/${name}/${path}`, content })),
  );
}

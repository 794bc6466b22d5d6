import type { Sandbox as VercelHandle } from "@vercel/sandbox";
import { SandboxAgentError } from "../../src/kit.ts";
import { runCommand } from "./run-command.ts";
import type { Service } from "./service.ts";

/** Makes the working directory. Arguments: the directory, its owner (empty: the image's user). */
const script = `
if [ ! -d "$1" ]; then
  if ! mkdir -p -- "$1" 2>/dev/null; then
    sudo -n mkdir -p -- "$1" && sudo -n chown -- "$(id -u):$(id -g)" "$1" || exit
  fi
  if [ -n "$2" ]; then
    if [ "$(id -u)" = 0 ]; then chown -- "$2" "$1"; else sudo -n chown -- "$2" "$1"; fi || exit
  fi
fi
cd -- "$1" && id -un
`;

/** Makes the working directory; resolves to the image's user. */
export async function prepare(
  service: Service,
  handle: VercelHandle,
  cwd: string,
  owner: string | undefined,
): Promise<string> {
  const place = { id: handle.name, sessionId: handle.currentSession().sessionId };
  const { code, stdout, stderr } = await runCommand(service, place, {
    argv: ["/bin/sh", "-c", script, "playpen-folder", cwd, owner ?? ""],
  });
  const user = stdout.trim();
  if (code === 0 && user !== "") return user;
  throw new SandboxAgentError(
    "file_failed",
    `The working directory ${cwd} could not be made: ${stderr.trim() || `Exit code ${code}.`}`,
    { details: { operation: "mkdir", path: cwd } },
  );
}

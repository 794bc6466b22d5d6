import { type Argv, SandboxAgentError } from "../../src/kit.ts";
import { type SpriteFacts, SpriteMachine } from "./machine.ts";
import type { Service } from "./service.ts";

/**
 * Makes the working directory and says where it is. Arguments: the directory (empty: `workspace` at home), its owner
 * (empty: the sprite's user).
 */
const script = `
folder=\${1:-$HOME/workspace}
if [ ! -d "$folder" ]; then
  if ! mkdir -p -- "$folder" 2>/dev/null; then
    sudo -n mkdir -p -- "$folder" && sudo -n chown -- "$(id -u):$(id -g)" "$folder" || exit
  fi
  if [ -n "$2" ]; then
    if [ "$(id -u)" = 0 ]; then chown -- "$2" "$folder"; else sudo -n chown -- "$2" "$folder"; fi || exit
  fi
fi
cd -- "$folder" && echo && pwd
`;

/** Resolves to the working directory's path, once it is there. */
export async function prepareFolder(
  service: Service,
  facts: SpriteFacts,
  cwd: string | undefined,
): Promise<string> {
  const argv: Argv = ["/bin/sh", "-c", script, "playpen-folder", cwd ?? "", facts.user ?? ""];
  const machine = new SpriteMachine(service, facts);
  const connection = await machine.start({ argv, env: {}, stdin: false });
  const timer = setTimeout(() => {
    connection.disconnect();
  }, service.requestTimeoutMs);
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      textOf(connection.stdout),
      textOf(connection.stderr),
      connection.exited,
    ]);
    const path = stdout.trim().split("\n").at(-1) ?? "";
    if (code === 0 && path.startsWith("/")) return path;
    throw failed(cwd, stderr.trim() || `Exit code ${String(code)}.`);
  } catch (error) {
    throw SandboxAgentError.is(error) ? error : failed(cwd, "The sprite does not answer.", error);
  } finally {
    clearTimeout(timer);
    connection.disconnect();
  }
}

function failed(cwd = "~/workspace", why: string, cause?: unknown): SandboxAgentError<"file_failed"> {
  return new SandboxAgentError("file_failed", `The working directory ${cwd} could not be made: ${why}`, {
    details: { operation: "mkdir", path: cwd },
    cause,
  });
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

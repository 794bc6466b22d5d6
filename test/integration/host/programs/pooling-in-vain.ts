/** A host program with an open pool whose provider fails and is to be tried again later, and with nothing else to do. */
import { SandboxPool } from "playpen";
import { scripted } from "playpen/testing";
import { tell } from "./scene.ts";

const { sandbox, agent } = scripted({ events: [] });
const pool = new SandboxPool({
  sandbox: { ...sandbox, create: () => Promise.reject(new Error("There is no room.")) },
  agent,
  backoff: { initialMs: 600_000, maxMs: 600_000 },
  onEvent: ({ type }) => {
    if (type === "sandbox.failed") tell("failed");
  },
});
// While somebody waits, the host goes on.
await pool.take({ timeoutMs: 300 }).catch((error: unknown) => {
  tell("refused", { code: error instanceof Error && "code" in error ? String(error.code) : "" });
});

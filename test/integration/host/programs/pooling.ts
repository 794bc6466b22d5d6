/** A host program with a pool: one sandbox is taken and at work, others wait. It closes the pool, or is killed. */
import { SandboxPool } from "playpen";
import { agent, parameters, providerOf, tell } from "./scene.ts";

const { place = "", label = "", mark = "", end = "" } = parameters;
const size = 2;
const pool = new SandboxPool({
  sandbox: providerOf(place),
  agent: agent(),
  permissions: "allow-all",
  labels: { test: label },
  size,
  maxSize: 4,
  session: { env: { POOL_MARK: mark } },
  onEvent: (event) => {
    if (event.type === "sandbox.failed") process.stderr.write(`${String(event.error)}\n`);
    if (event.type !== "sandbox.created" || pool.stats.idle < size) return;
    tell("warm");
    if (end === "close") void finish();
  },
});
const { session } = await pool.take();
const { text } = await session.prompt("!text taken");
tell("taken", { text });

async function finish(): Promise<void> {
  await pool.close();
  tell("closed");
}

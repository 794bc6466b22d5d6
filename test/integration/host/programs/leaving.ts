/** A host program that lets go of its sandbox and ends by itself. */
import { SandboxAgent } from "playpen";
import { agent, parameters, providerOf, tell } from "./scene.ts";

const box = await SandboxAgent.start({
  sandbox: providerOf(parameters["place"] ?? ""),
  agent: agent(),
  permissions: "allow-all",
});
const session = await box.createSession();
await session.prompt("!text Remember the word walnut.");
const nativeSessionId = session.nativeSessionId ?? "";
await box.detach({ ttlMs: 120_000 });
tell("detached", { id: box.id, nativeSessionId });

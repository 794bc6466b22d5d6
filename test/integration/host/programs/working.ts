/** A host program whose agent is in the middle of a turn, with a tool running, until somebody kills it. */
import { SandboxAgent } from "playpen";
import { agent, parameters, providerOf, tell } from "./scene.ts";

const box = await SandboxAgent.start({
  sandbox: providerOf(parameters["place"] ?? ""),
  agent: agent(),
  permissions: "allow-all",
});
const session = await box.createSession();
const { seconds } = parameters;
const turn = session.prompt(`!shell setsid sleep ${seconds ?? ""} & sleep ${seconds ?? ""}\n!text done`);
for await (const event of turn) {
  if (event.type === "tool.started") tell("working", { id: box.sandbox.id });
}

/** A host program that looks at no error: nothing of that may bring it down, and it must end by itself. */
import { SandboxAgent } from "playpen";
import { agent, parameters, providerOf, tell } from "./scene.ts";

const box = await SandboxAgent.start({
  sandbox: providerOf(parameters["place"] ?? ""),
  agent: agent(),
  permissions: "allow-all",
});
const session = await box.createSession();
session.onEvent(() => {
  throw new Error("a listener that throws");
});
session.onEvent(() => Promise.reject(new Error("a listener that rejects")));
session.prompt("!status 401");
session.prompt("!shell kill -KILL $PPID; sleep 30");
session.prompt("!text Still here.");
for await (const event of session.events({ from: 1 })) {
  if (event.type === "turn.completed") tell("completed", { text: event.text });
  if (event.type === "turn.completed") break;
}
session.prompt("!slow 20\n!repeat 5000 word");
for await (const event of session.events()) if (event.type === "message.delta") break;
await box.destroy();
tell("destroyed");

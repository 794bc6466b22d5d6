/** A program of somebody who installed the package: it names every sub-path, and runs a turn with nothing but it. */
import { SandboxAgent, SandboxAgentError, type AgentEvent, type SandboxProvider } from "playpen";
import { claude } from "playpen/claude";
import { codex } from "playpen/codex";
import { docker } from "playpen/docker";
import { isJsonObject, SandboxAgentError as ErrorOfKit, type AgentBackend } from "playpen/kit";
import { local } from "playpen/local";
import { memorySandbox, scriptedAgent, scriptedBackend } from "playpen/testing";

const providers: readonly SandboxProvider[] = [docker({ image: "node:22" }), local({ isolation: "none" })];
const backends: readonly AgentBackend[] = [claude(), codex()];

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected: ${what}`);
}

check(SandboxAgentError === ErrorOfKit, "one copy of the error class");
check(isJsonObject({}), "the kit works");
check(providers.map(({ name }) => name).join() === "docker,local", "the providers' names");
check(backends.map(({ name }) => name).join() === "claude,codex", "the backends' names");

// dockerode is not installed here, and nobody needs it who does not use docker().
const [withoutDockerode] = providers;
const availability = await withoutDockerode?.check();
check(availability?.available === false, "docker() to say that it cannot work");
check(
  JSON.stringify(availability).includes("npm install dockerode"),
  "docker() to name the package to install",
);

const answer = scriptedAgent(async (input, { say }) => {
  if (input.type !== "prompt") return;
  await say({ events: [{ type: "message.delta", messageId: "m1", text: input.text.toUpperCase() }] });
  await say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
});
await using box = await SandboxAgent.start({
  sandbox: memorySandbox({ programs: { "scripted-agent": answer } }),
  agent: scriptedBackend(),
});
const session = await box.createSession();
const turn = session.prompt("hello");
const events: AgentEvent[] = [];
for await (const event of turn) events.push(event);
const { stopReason } = await turn;
const text = events.map((event) => (event.type === "message.delta" ? event.text : "")).join("");
check(text === "HELLO", `the answer, not ${JSON.stringify(events)}`);
check(stopReason === "end_turn", "the turn to end");

let refusal = "";
try {
  // @ts-expect-error: a prompt is text or content, not a number.
  session.prompt(1);
} catch (error) {
  refusal = String(error);
}
check(refusal.startsWith("TypeError: prompt"), `a TypeError, not ${refusal}`);
console.log("consumer: ok");

/**
 * Two agents in one sandbox: Claude Code and Codex answer side by side, then Codex reads what Claude wrote.
 *
 *     npx tsx examples/two-agents/main.ts
 */
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import { codex } from "playpen/codex";
import type { Scenario } from "playpen/testing";
import { exampleModel } from "../shared/model.ts";
import { Reporter } from "../shared/reporter.ts";
import { exampleSandbox } from "../shared/sandbox.ts";

/** What the stand-in model does: it recognizes the step by the prompt. */
const cooperate: Scenario = ({ prompt }) => {
  if (prompt.includes("Write")) {
    return [
      { type: "write", path: "plan.txt", content: "1. build\n2. test\n3. ship\n" },
      { type: "text", text: "The plan is in plan.txt." },
    ];
  }
  if (prompt.includes("Read")) {
    return [
      { type: "shell", command: "cat plan.txt" },
      { type: "text", text: "The plan has three steps; I would add a review before shipping." },
    ];
  }
  return [{ type: "text", text: "Ready." }];
};

const reporter = new Reporter();
await using model = await exampleModel(["ANTHROPIC_API_KEY", "OPENAI_API_KEY"], cooperate);
const { sandbox, description } = await exampleSandbox();
reporter.line(`Two agents with ${model.description}, in ${description}`);

await using box = await SandboxAgent.start({
  sandbox,
  permissions: "allow-all",
  onProgress: (progress) => reporter.progress(progress.message),
});
const [writer, reader] = await Promise.all([
  box.createSession({ agent: claude(model.claude) }),
  box.createSession({ agent: codex(model.codex) }),
]);
for (const session of [writer, reader]) {
  const log = new Reporter(session.agent);
  session.onEvent((event) => log.event(event));
}

await Promise.all([writer.prompt("Say that you are ready."), reader.prompt("Say that you are ready.")]);
await writer.prompt("Write a plan of three steps into plan.txt.");
await reader.prompt("Read plan.txt and comment on it in one sentence.");
reporter.line(`Tokens: claude ${writer.usage.outputTokens}, codex ${reader.usage.outputTokens}`);

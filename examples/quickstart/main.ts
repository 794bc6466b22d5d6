/**
 * The first thing to run: a real coding agent at work in a sandbox on this machine.
 *
 *     npm run quickstart                       # with the stand-in model, no key needed
 *     ANTHROPIC_API_KEY=… npm run quickstart   # with the real one
 *     npm run quickstart -- "Write a haiku about sandboxes into haiku.txt"
 */
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import { demoScenario } from "playpen/testing";
import { exampleModel } from "../shared/model.ts";
import { Reporter } from "../shared/reporter.ts";
import { exampleSandbox } from "../shared/sandbox.ts";

const prompt = process.argv[2] ?? "Write a small program, run it, and tell me what it printed.";
const reporter = new Reporter();

await using model = await exampleModel(["ANTHROPIC_API_KEY"], demoScenario);
const { sandbox, description } = await exampleSandbox();
reporter.line(`Sandbox: ${description}`);
reporter.line(`Agent:   Claude Code with ${model.description}`);

await using box = await SandboxAgent.start({
  sandbox,
  agent: claude(model.claude),
  permissions: "allow-all",
  onProgress: (progress) => reporter.progress(progress.message),
});
const session = await box.createSession();
reporter.line(`Prompt:  ${prompt}\n`);

const turn = session.prompt(prompt);
for await (const event of turn) reporter.event(event);

const { usage, durationMs } = await turn;
const files = await box.files.list(".");
reporter.line(`\nFiles in the sandbox: ${files.map((file) => file.path.split("/").at(-1)).join(", ")}`);
reporter.line(
  `${usage.inputTokens} tokens in, ${usage.outputTokens} out, ${(durationMs / 1000).toFixed(1)} s`,
);

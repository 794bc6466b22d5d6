/**
 * A review bot: the agent may read a repository and run its tests, and nothing else; the host decides each tool call.
 *
 *     npx tsx examples/review-a-repo/main.ts
 */
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import type { Scenario } from "playpen/testing";
import { exampleModel } from "../shared/model.ts";
import { Reporter } from "../shared/reporter.ts";
import { exampleSandbox } from "../shared/sandbox.ts";

/** What the stand-in model does: it looks, tries something it may not, and reports. */
const review: Scenario = () => [
  { type: "shell", command: "node --test" },
  { type: "shell", command: "rm -rf ." },
  {
    type: "text",
    text: "sum.mjs subtracts instead of adding: `sum(2, 2)` gives 0. The test fails for that reason.",
  },
];

const reporter = new Reporter();
await using model = await exampleModel(["ANTHROPIC_API_KEY"], review);
const { sandbox, description } = await exampleSandbox();
reporter.line(`Reviewing with Claude Code and ${model.description}, in ${description}`);

await using box = await SandboxAgent.start({
  sandbox,
  agent: claude(model.claude),
  permissions: {
    allow: ["read", "search", "execute(node --test)"],
    deny: ["execute(rm *)"],
    default: "deny",
  },
  onProgress: (progress) => reporter.progress(progress.message),
});
await box.files.write("sum.mjs", "export const sum = (left, right) => left - right;\n");
await box.files.write(
  "sum.test.mjs",
  `import assert from "node:assert";
import test from "node:test";
import { sum } from "./sum.mjs";

test("adds", () => assert.equal(sum(2, 2), 4));
`,
);

const session = await box.createSession({ systemPrompt: "You review code. You never change it." });
const turn = session.prompt(
  "Run the tests with `node --test`, then say in two sentences what is wrong with sum.mjs.",
);
for await (const event of turn) {
  if (event.type === "permission.resolved") reporter.line(`  policy: ${event.outcome}`);
  else if (event.type !== "tool.completed") reporter.event(event);
}
const { text } = await turn;
reporter.line(`\nReview:\n${text}`);

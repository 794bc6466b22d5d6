/** `@ai-hero/sandcastle` without a sandbox and without session capture, its lightest settings. */
import { join } from "node:path";
import { claudeCode, run } from "@ai-hero/sandcastle";
import { noSandbox } from "@ai-hero/sandcastle/sandboxes/no-sandbox";
import { measure, workspace } from "./measured.mjs";

const isWatched = process.argv.includes("--completion-signal");

await measure(async (seen) => {
  await run({
    agent: claudeCode("claude-sonnet-4-5", { captureSessions: false }),
    sandbox: noSandbox(),
    cwd: workspace,
    prompt: "Go on.",
    maxIterations: 1,
    // Its default is to look for "<promise>COMPLETE</promise>" in all output so far, after each line.
    ...(isWatched ? {} : { completionSignal: [] }),
    logging: {
      type: "file",
      path: join(workspace, ".sandcastle", "run.log"),
      onAgentStreamEvent: (event) => {
        seen.events += 1;
        if (event.type === "text") seen.textLength += event.message.length;
      },
    },
  });
});

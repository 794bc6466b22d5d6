/** `@tanstack/ai` with its Claude Code adapter and local processes, without its file watcher and diffs. */
import { chat } from "@tanstack/ai";
import { claudeCodeText } from "@tanstack/ai-claude-code";
import { defineSandbox, defineWorkspace, withSandbox } from "@tanstack/ai-sandbox";
import { localProcessSandbox } from "@tanstack/ai-sandbox-local-process";
import { measure, workspace } from "./measured.mjs";

await measure(async (seen) => {
  const stream = chat({
    threadId: "bench",
    adapter: claudeCodeText("claude-sonnet-4-5", { emitDiff: false }),
    messages: [{ role: "user", content: "Go on." }],
    middleware: [
      withSandbox(
        defineSandbox({
          id: "bench",
          provider: localProcessSandbox({ dir: workspace }),
          workspace: defineWorkspace({ source: { type: "none" } }),
          fileEvents: false,
        }),
      ),
    ],
  });
  let isComplete = false;
  for await (const chunk of stream) {
    seen.events += 1;
    if (chunk.type === "TEXT_MESSAGE_CONTENT") seen.textLength += chunk.delta.length;
    if (chunk.type === "RUN_ERROR") throw new Error(chunk.message);
    if (chunk.type === "RUN_FINISHED") isComplete = true;
  }
  if (!isComplete) throw new Error("The run did not finish.");
});

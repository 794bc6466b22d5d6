import { expect, it } from "vitest";
import { describeWith } from "../image/engines.ts";
import { hostCliDirectory } from "../image/paths.ts";
import { runExample } from "./run-example.ts";

describeWith(["bubblewrap"], "the quick start", () => {
  it("installs the real CLI and shows it at work, without a key", async () => {
    const output = await runExample("quickstart");
    const lines = output.split("\n");
    expect(lines[0]).toBe("Sandbox: a bubblewrap sandbox on this machine");
    expect(lines[1]).toMatch(/^Agent: {3}Claude Code with the stand-in model that comes with playpen/);
    expect(output).toMatch(/Installing @anthropic-ai\/claude-code@/);
    expect(output).toMatch(/→ Bash: node hello\.mjs\n {2}Hello, sandbox!\n {2}Hello, agent!\n/);
    expect(output).toContain("I wrote hello.mjs and ran it.");
    expect(output).toContain("Files in the sandbox: hello.mjs");
    expect(lines.at(-1)).toMatch(/^\d+ tokens in, \d+ out, [\d.]+ s$/);
    // Nothing that only a terminal understands goes into a pipe.
    expect(output).not.toContain("\u001b");
  });
});

describeWith(["bubblewrap", "host-clis"], "the other examples", () => {
  it("reviews a repository under a policy", async () => {
    const output = await runExample("review-a-repo", hostCliDirectory());
    expect(output).toMatch(
      /→ Bash: node --test\n {2}policy: allowed\n→ Bash: rm -rf \.\n {2}policy: denied\n/,
    );
    expect(output).toMatch(/Review:\nsum\.mjs subtracts instead of adding/);
  });

  it("has two agents work in one sandbox", async () => {
    const output = await runExample("two-agents", hostCliDirectory());
    expect(output).toContain("[claude] The plan is in plan.txt.");
    expect(output).toMatch(/\[codex\] → \w+: cat plan\.txt\n\[codex\] {3}1\. build/);
    expect(output).toContain("[codex] The plan has three steps");
    expect(output).toMatch(/Tokens: claude [1-9]\d*, codex [1-9]\d*$/);
  });
});

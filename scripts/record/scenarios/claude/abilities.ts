import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import type { Skill } from "../../../../src/kit.ts";
import type { Recorder } from "../../recorder.ts";
import { answerPermission, oneTurn, tool, type Scenario } from "../../scenario.ts";

const skill = (name: string, text: string): Skill => ({ name, files: { "SKILL.md": text } });

const greet = skill(
  "greet",
  "---\nname: greet\ndescription: Greets people properly.\n---\nSay hello twice.\n",
);

/** Runs a command when it is read, and says that the CLI need not ask for it. */
const eager = skill(
  "eager",
  "---\nname: eager\ndescription: Runs ahead.\nallowed-tools: Bash(touch *)\n---\nNow: !`touch by-skill`\n",
);

export const abilityScenarios: readonly Scenario<ClaudeOptions>[] = [
  oneTurn(
    "allowed-tools",
    "The session is confined to some tools; others are called all the same, one of them by a sub-agent.",
    [
      "!shell echo hello",
      tool("Read", { file_path: "/etc/hostname" }),
      tool("mcp__echo__echo", { text: "hi" }),
      tool("Agent", {
        description: "Try",
        subagent_type: "general-purpose",
        prompt: `${tool("mcp__echo__echo", { text: "inside" })}\n!text I may not.`,
      }),
      "!text Done.",
    ].join("\n"),
    { input: { allowedTools: ["Bash", "Agent", "mcp__echo__other", "Nonsense"] }, withEchoServer: true },
  ),
  oneTurn("skills", "Two skills of the session, one of which the CLI does not take.", "!text Done.", {
    input: { skills: [greet, skill("mute", "No one knows what for.\n")] },
  }),
  {
    name: "skill-asked",
    about: "A skill that would run a command when it is read, where every call is asked for.",
    input: { permissions: "ask", skills: [eager] },
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${tool("Skill", { skill: "playpen:eager" })}\n!text Done.`);
      await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn("effort", "A level of thinking.", "!text Done.", { input: { thinking: "low" } }),
  oneTurn("effort-unknown", "A level of thinking, of a model that has none.", "!text Done.", {
    input: { thinking: "max" },
    options: { model: "haiku" },
  }),
  oneTurn(
    "plan-approved",
    "The session starts in plan mode, and leaves it.",
    `${tool("ExitPlanMode", { plan: "Do it." })}\n!shell echo done\n!text Done.`,
    { input: { agentMode: "plan" } },
  ),
  {
    name: "models",
    about: "The models are asked for, before any turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.request({ id: "host-1", type: "list_models" });
      await recorder.turn("!text Done.");
      await recorder.close();
    },
  },
  {
    name: "mcp-failed",
    about: "One MCP server is not there, another ends while the turn runs.",
    input: {
      mcpServers: {
        missing: { type: "stdio", command: "/nowhere/server" },
        late: { type: "stdio", command: "sh", args: ["-c", "sleep 4"] },
      },
    },
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Begun.\n!wait 5000\n!text Done.");
      await bothFailed(recorder);
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];

/** Waits until both are told to have failed, with the reason. */
async function bothFailed(recorder: Recorder): Promise<void> {
  for (;;) {
    const { mcpServers = [] } = await recorder.next("session.updated");
    if (mcpServers.every(({ status, message }) => status === "failed" && message !== undefined)) return;
  }
}

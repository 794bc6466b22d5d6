import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

export const sessionScenarios: readonly Scenario<CopilotOptions>[] = [
  {
    name: "resume",
    about: "Another process takes the session up.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
      await recorder.turn("!usage input=20 output=7\n!recall");
      await recorder.close();
    },
  },
  {
    name: "fork",
    about: "Another process copies the session.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: true } });
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
  {
    name: "resume-unknown",
    about: "The session to resume is not there.",
    run: async (recorder) => {
      await recorder.start({
        resume: { nativeSessionId: "01a1fc87-ce4b-4fd2-8606-b4fb142298e3", fork: false },
      });
      await recorder.close();
    },
  },
  oneTurn("instructions", "Own instructions, a level of thinking, tools and a skill.", "!text Yes.", {
    input: {
      systemPrompt: { append: "You are terse." },
      thinking: "high",
      allowedTools: ["bash", "skill"],
      skills: [
        { name: "greet", files: { "SKILL.md": "---\nname: greet\ndescription: Greets.\n---\nSay hello.\n" } },
      ],
    },
  }),
];

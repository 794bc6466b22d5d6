import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import type { Scenario } from "../../src/testing/model-server/index.ts";
import type { ClaudeRecorder, RecorderSetup } from "./claude-recorder.ts";

/** One conversation to record. Prompts are directives of the model server. */
export interface ClaudeScenario {
  readonly name: string;
  readonly about: string;
  readonly options?: RecorderSetup["options"];
  readonly input?: RecorderSetup["input"];
  /** Default: the model follows the directives in the prompt. */
  readonly model?: Scenario;
  readonly run: (recorder: ClaudeRecorder) => Promise<void>;
}

const asking = { input: { permissions: "ask" } } as const;

/** A session of one prompt that is left alone. */
function oneTurn(
  name: string,
  about: string,
  prompt: string,
  rest: Omit<ClaudeScenario, "name" | "about" | "run"> = {},
): ClaudeScenario {
  return { name, about, ...rest, run: (recorder) => turns(recorder, prompt) };
}

async function turns(recorder: ClaudeRecorder, ...prompts: readonly string[]): Promise<void> {
  await recorder.start();
  for (const prompt of prompts) await recorder.turn(prompt);
  await recorder.close();
}

function tool(name: string, input: object): string {
  return `!tool ${name} ${JSON.stringify(input)}`;
}

const plain: readonly ClaudeScenario[] = [
  oneTurn("text", "An answer in words.", '!text "Hello, world.\\nA second line."'),
  oneTurn("thinking", "Thoughts, then an answer.", "!think Let me see.\n!text Seen."),
  oneTurn(
    "max-tokens",
    "The answer is longer than the model may make it, however often it is asked.",
    "Go on.",
    {
      model: () => [
        { type: "text", text: "Long" },
        { type: "stop", reason: "max_tokens" },
      ],
    },
  ),
  oneTurn("refusal", "The model refuses.", "!text No.\n!stop refusal"),
  {
    name: "second-turn",
    about: "Two turns in one process, the second by another model; cost and usage of each are its own.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("!usage input=10 output=5\n!text One.");
      recorder.request({ id: "host-1", type: "set_model", model: "claude-sonnet-4-5" });
      await recorder.next("session.updated");
      await recorder.turn("!usage input=20 output=7\n!text Two.");
      await recorder.close();
    },
  },
];

const tools: readonly ClaudeScenario[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!shell echo hello\n!text Done."),
  oneTurn("tool-error", "A command that fails.", "!shell echo oops >&2; exit 3\n!text It failed."),
  oneTurn("tools-parallel", "Two calls in one answer.", "!shell echo one\n!also shell echo two\n!text Both."),
  oneTurn(
    "tools-in-a-row",
    "Calls that wait for each other.",
    "!shell echo one\n!shell echo two\n!text Both.",
  ),
  oneTurn("tool-unknown", "A tool that does not exist.", "!tool Nonsense {}\n!text There is none."),
  {
    name: "files",
    about: "A file is created, read, edited and written over.",
    run: (recorder) => {
      const file_path = `${recorder.cwd}/notes.txt`;
      return turns(
        recorder,
        [
          tool("Write", { file_path, content: "one\ntwo\n" }),
          tool("Read", { file_path }),
          tool("Edit", { file_path, old_string: "two", new_string: "2" }),
          tool("Write", { file_path, content: "new\n" }),
          "!text Done.",
        ].join("\n"),
      );
    },
  },
  oneTurn(
    "plan",
    "The to-do list is made and changed.",
    [
      tool("TaskCreate", { subject: "Look", description: "Look at it" }),
      tool("TaskCreate", { subject: "Leap", description: "Then leap" }),
      tool("TaskUpdate", { taskId: "1", status: "completed" }),
      tool("TaskUpdate", { taskId: "2", status: "in_progress" }),
      tool("TaskList", {}),
      "!text Planned.",
    ].join("\n"),
  ),
  oneTurn(
    "subagent",
    "A sub-agent thinks, speaks and uses a tool.",
    `${tool("Agent", {
      description: "Look around",
      subagent_type: "general-purpose",
      prompt: "!think Where am I?\n!text I look.\n!shell echo inside\n!text Nothing there.",
    })}\n!text The sub-agent is back.`,
  ),
  {
    name: "mcp",
    about: "A tool of an MCP server.",
    input: { mcpServers: { echo: { type: "stdio", command: "node", args: ["mcp-echo-server.mjs"] } } },
    run: (recorder) => {
      const server = new URL("mcp-echo-server.mjs", import.meta.url);
      copyFileSync(server, `${recorder.cwd}/mcp-echo-server.mjs`);
      return turns(recorder, `${tool("mcp__echo__echo", { text: "hi" })}\n!text Echoed.`);
    },
  },
  {
    name: "compaction",
    about: "The conversation is compacted by command.",
    run: (recorder) => turns(recorder, "!text One.", "!text Two.", "/compact", "!text Three."),
  },
  {
    name: "background-task",
    about: "A command goes on after its turn; the agent speaks of its end while the next prompt waits.",
    run: async (recorder) => {
      await recorder.start();
      const input = { command: "sleep 1; echo late", run_in_background: true };
      await recorder.turn(`${tool("Bash", input)}\n!text It runs.`);
      await recorder.next("agent.notice");
      await recorder.turn("!slow 20\n!text The next answer, in quite some words, so that it takes its time.");
      await recorder.close();
    },
  },
];

const permissions: readonly ClaudeScenario[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, also those the CLI would not ask for by itself.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      writeFileSync(`${recorder.cwd}/a.txt`, "text\n");
      recorder.prompt(`!shell ls\n${tool("Read", { file_path: `${recorder.cwd}/a.txt` })}\n!text Done.`);
      for (let call = 0; call < 2; call++) {
        const { requestId } = await recorder.next("permission.requested");
        recorder.reply({ type: "permission", requestId, outcome: "allow" });
      }
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-deny",
    about: "A denied call, beside one that is allowed.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch denied\n!also shell echo allowed\n!text Done.");
      const first = await recorder.next("permission.requested");
      recorder.reply({
        type: "permission",
        requestId: first.requestId,
        outcome: "deny",
        message: "Not that one.",
      });
      const second = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: second.requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-changed",
    about: "A call is allowed with another input.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo before\n!text Done.");
      const { requestId, tool: asked } = await recorder.next("permission.requested");
      const updatedInput = { ...asked.input, command: "echo after" };
      recorder.reply({ type: "permission", requestId, outcome: "allow", updatedInput });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-remembered",
    about: "The host allows a command for the rest of the session; another one is asked for.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo again\n!shell echo again\n!shell echo other\n!text Done.");
      const first = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: first.requestId, outcome: "allow", remember: true });
      const other = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: other.requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-subagent",
    about: "A sub-agent's calls are asked for too.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      const input = {
        description: "Work",
        subagent_type: "general-purpose",
        prompt: "!shell ls\n!text Worked.",
      };
      recorder.prompt(`${tool("Agent", input)}\n!text Done.`);
      const task = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: task.requestId, outcome: "allow" });
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "deny", message: "Not in there." });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-withdrawn",
    about: "The turn is interrupted while a permission is asked for.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch a\n!text Done.");
      await recorder.next("permission.requested");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-project-settings",
    about: "The project allows everything, by rules and by hooks, and is asked for all the same.",
    ...asking,
    options: { settingSources: ["user", "project", "local"] },
    run: async (recorder) => {
      writeProjectSettings(recorder.cwd);
      await recorder.start();
      recorder.prompt("!shell touch denied\n!text Done.");
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "deny", message: "No." });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "deny-all",
    "No tool may be used, not even to read.",
    `!shell ls\n${tool("Read", { file_path: "/etc/hostname" })}\n!text I may not.`,
    { input: { permissions: "deny-all" } },
  ),
  {
    name: "plan-mode",
    about: "A plan is made, and its approval is a permission.",
    ...asking,
    options: { permissionMode: "plan" },
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${tool("ExitPlanMode", { plan: "# Do it" })}\n!text Planned.`);
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question",
    about: "The agent asks, and is answered; no permission is asked for that.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Blue it is.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { "Which colour?": "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and the host declines.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Then I choose.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "question-nobody",
    "The agent asks although nobody is there, and the tool is not on offer.",
    `${tool("AskUserQuestion", { questions: [] })}\n!text Then I choose.`,
    { input: { answersQuestions: false } },
  ),
];

function writeProjectSettings(cwd: string): void {
  const allow = { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "allow" } };
  const hook = { type: "command", command: `echo '${JSON.stringify(allow)}'` };
  mkdirSync(`${cwd}/.claude`);
  writeFileSync(
    `${cwd}/.claude/settings.json`,
    JSON.stringify({
      permissions: { allow: ["Bash", "Read"], defaultMode: "bypassPermissions" },
      disableAllHooks: false,
      hooks: { PreToolUse: [{ matcher: "*", hooks: [hook] }] },
    }),
  );
}

const longAnswer = "!slow 30\n!text One two three four five six seven eight nine ten eleven twelve.";

const interrupts: readonly ClaudeScenario[] = [
  {
    name: "interrupt-text",
    about: "Interrupted in the middle of a text; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-tool",
    about: "Interrupted while a command runs; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-at-once",
    about: "Interrupted right behind the prompt.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "interrupt-hang",
    about: "The model's API goes silent, and the host interrupts.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "steer-tool",
    about: "A message for the turn while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell sleep 1\n!text Not said any more.");
      await recorder.next("tool.started");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: "!text Steered." }] });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "steer-text",
    about: "A message for the turn comes too late for its answer, and gets another one in the same turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: "!text Steered." }] });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "steer-interrupt",
    about: "A message for the turn waits when the host interrupts: its answer is interrupted too.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: longAnswer }] });
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
];

const failures: readonly ClaudeScenario[] = [
  oneTurn("api-401", "The key is refused.", "!status 401 invalid x-api-key"),
  oneTurn("api-403", "The key may not do that.", "!status 403 not allowed"),
  oneTurn("api-404", "The model does not exist.", "!status 404 model: nope"),
  oneTurn("api-429", "Too many requests, for too long.", "!status 429 Slow down"),
  oneTurn("api-429-recovers", "Too many requests, once.", "!status 429 times 1 Slow down\n!text Better now."),
  oneTurn("api-500", "The API fails.", "!status 500 oops"),
  oneTurn("api-529", "The API is overloaded.", "!status 529 Overloaded"),
  oneTurn(
    "api-overloaded-in-text",
    "The API fails in the middle of an answer.",
    "!text Half\n!status 529 times 1 Overloaded",
  ),
  oneTurn(
    "api-too-long",
    "The prompt is too long.",
    "!status 400 prompt is too long: 205000 tokens > 200000 maximum",
  ),
  oneTurn("api-dropped", "The connection is closed.", "!drop"),
  oneTurn(
    "api-dropped-in-text",
    "The connection is closed once, in the middle of an answer.",
    "!text Half\n!drop times 1",
  ),
  oneTurn("max-turns", "The agent may make one round only.", "!shell ls\n!shell ls\n!text Never said.", {
    options: { maxTurns: 1 },
  }),
  {
    name: "max-budget",
    about: "The money is used up, for the next turn too.",
    options: { maxBudgetUsd: 0.000_01 },
    run: (recorder) => turns(recorder, "!shell ls\n!text Never said.", "!text Never said either."),
  },
  {
    name: "killed",
    about: "The CLI is killed in the middle of a text.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "terminated",
    about: "The CLI is told to end while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      await recorder.kill("SIGTERM");
    },
  },
  {
    name: "start-bad-flag",
    about: "An argument the CLI does not know.",
    options: { extraArgs: ["--no-such-flag"] },
    run: (recorder) => recorder.start(),
  },
  {
    name: "start-root",
    about: "Root may not bypass permissions without the variable for it.",
    options: { env: { IS_SANDBOX: "0" } },
    run: (recorder) => recorder.start(),
  },
];

const processes: readonly ClaudeScenario[] = [
  {
    name: "resume",
    about: "A second process takes the session up, and knows what was said.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({ nativeSessionId: recorder.nativeSessionId, fork: false });
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
  {
    name: "fork",
    about: "A second process takes up a copy of the session.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({ nativeSessionId: recorder.nativeSessionId, fork: true });
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
  {
    name: "resume-unknown",
    about: "The session to resume is not there; a fresh one takes its place.",
    run: async (recorder) => {
      await recorder.start({ nativeSessionId: "00000000-0000-4000-8000-000000000000", fork: false });
      await recorder.exited();
      await turns(recorder, "!text Fresh.");
    },
  },
  {
    name: "turn-mode",
    about: "A process for each turn, each of which asks for permission.",
    options: { mode: "turn" },
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell ls\n!text One.");
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.exited();
      await recorder.start({ nativeSessionId: recorder.nativeSessionId, fork: false });
      await recorder.turn("!recall");
      await recorder.exited();
    },
  },
];

export const claudeScenarios: readonly ClaudeScenario[] = [
  ...plain,
  ...tools,
  ...permissions,
  ...interrupts,
  ...failures,
  ...processes,
];

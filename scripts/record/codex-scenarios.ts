import { mkdirSync, writeFileSync } from "node:fs";
import type { CodexRecorder, RecorderSetup } from "./codex-recorder.ts";

/** One conversation to record. Prompts are directives of the model server. */
export interface CodexScenario {
  readonly name: string;
  readonly about: string;
  readonly options?: RecorderSetup["options"];
  readonly input?: RecorderSetup["input"];
  readonly withEcho?: boolean;
  /** The only key that the model server lets in. */
  readonly apiKey?: string;
  readonly run: (recorder: CodexRecorder) => Promise<void>;
}

type Rest = Omit<CodexScenario, "name" | "about" | "run">;

const asking = { input: { permissions: "ask" } } as const;
/** A model that Codex knows nothing of, and so offers its tools one by one instead of in a program. */
const plainTools = { options: { model: "house-model" } } as const;

/** A session of prompts that are left alone. */
function turnsOf(
  name: string,
  about: string,
  prompts: string | readonly string[],
  rest: Rest = {},
): CodexScenario {
  const list = typeof prompts === "string" ? [prompts] : prompts;
  return { name, about, ...rest, run: (recorder) => turns(recorder, ...list) };
}

async function turns(recorder: CodexRecorder, ...prompts: readonly string[]): Promise<void> {
  await recorder.start();
  for (const prompt of prompts) await recorder.turn(prompt);
  await recorder.close();
}

function tool(name: string, input: object | string): string {
  return `!tool ${name} ${JSON.stringify(input)}`;
}

function patch(...lines: readonly string[]): string {
  return tool("apply_patch", ["*** Begin Patch", ...lines, "*** End Patch"].join("\n"));
}

const withPlan = {
  options: { model: "house-model", config: { "tools.update_plan.enabled": true } },
} as const;

/** A PNG of one pixel. */
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const plain: readonly CodexScenario[] = [
  turnsOf("text", "An answer in words.", '!text "Hello, world.\\nA second line."'),
  turnsOf("reasoning", "Thoughts, then an answer.", "!think **Let me see.** Is it so?\n!text Seen."),
  {
    name: "second-turn",
    about: "Two turns in one process, the second by another model; the usage of each is its own.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("!usage input=10 output=5 cacheRead=4\n!text One.");
      recorder.request({ id: "host-1", type: "set_model", model: "house-model" });
      await recorder.turn("!usage input=20 output=7\n!text Two.");
      await recorder.close();
    },
  },
];

const tools: readonly CodexScenario[] = [
  turnsOf("tool-ok", "A command that succeeds.", "!shell echo hello\n!text Done."),
  turnsOf("tool-error", "A command that fails.", "!shell echo oops >&2; exit 3\n!text It failed."),
  turnsOf(
    "tool-streamed",
    "A command that speaks in pieces.",
    "!shell echo one; sleep 0.4; echo two\n!text Done.",
  ),
  turnsOf(
    "tools-in-a-row",
    "Calls that wait for each other.",
    "!shell echo one\n!shell echo two\n!text Both.",
  ),
  turnsOf(
    "tools-parallel",
    "Two calls in one answer.",
    "!shell sleep 0.2; echo one\n!also shell sleep 0.2; echo two\n!text Both.",
    plainTools,
  ),
  turnsOf(
    "tool-plain",
    "A model without the composing tool calls the shell.",
    "!shell echo hello\n!text Done.",
    plainTools,
  ),
  turnsOf(
    "tool-unknown",
    "A tool that does not exist.",
    "!tool nonsense {}\n!text There is none.",
    plainTools,
  ),
  turnsOf("files", "Files are added, changed, moved and deleted.", [
    [
      patch("*** Add File: notes.txt", "+one", "+two"),
      patch("*** Update File: notes.txt", "@@", " one", "-two", "+2"),
      patch("*** Update File: notes.txt", "*** Move to: moved.txt", "@@", " one", "-2", "+zwei"),
      patch("*** Delete File: moved.txt"),
      patch("*** Delete File: missing.txt"),
      "!text Done.",
    ].join("\n"),
  ]),
  turnsOf(
    "plan",
    "The plan is made and changed.",
    [
      [
        tool("update_plan", {
          plan: [
            { step: "Look", status: "in_progress" },
            { step: "Leap", status: "pending" },
          ],
        }),
        tool("update_plan", {
          plan: [
            { step: "Look", status: "completed" },
            { step: "Leap", status: "in_progress" },
          ],
        }),
        "!text Planned.",
      ].join("\n"),
    ],
    withPlan,
  ),
  turnsOf(
    "sub-agent",
    "A sub-agent speaks and uses a tool.",
    [
      `${tool("spawn_agent", { message: "!shell echo inside\n!text Nothing there." })}\n!wait 1500\n!text The sub-agent is back.`,
    ],
    plainTools,
  ),
  turnsOf("mcp", "A tool of an MCP server.", `${tool("mcp__echo__echo", { text: "hi" })}\n!text Echoed.`, {
    withEcho: true,
  }),
  {
    name: "background-command",
    about: "A command goes on when its turn is over, and ends while nobody waits for it.",
    ...plainTools,
    run: async (recorder) => {
      await recorder.start();
      const input = { cmd: "sleep 1; echo late; exit 4", yield_time_ms: 250 };
      await recorder.turn(`${tool("exec_command", input)}\n!text It runs.`);
      await recorder.said('"exitCode":4');
      await recorder.turn("!text Next.");
      await recorder.close();
    },
  },
  turnsOf(
    "image",
    "The agent looks at an image.",
    `!shell echo ${pixel} | base64 -d > a.png\n${tool("view_image", { path: "a.png" })}\n!text Seen.`,
  ),
];

async function answered(recorder: CodexRecorder, outcome: "allow" | "deny", remember = false): Promise<void> {
  const { requestId } = await recorder.next("permission.requested");
  recorder.reply(
    outcome === "allow"
      ? { type: "permission", requestId, outcome, ...(remember ? { remember } : {}) }
      : { type: "permission", requestId, outcome, message: "Not that one." },
  );
}

const permissions: readonly CodexScenario[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, also those that only look.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`!shell ls\n!shell cat /etc/hostname\n!write notes.txt Hello\n!text Done.`);
      for (let call = 0; call < 3; call++) await answered(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-deny",
    about: "A command and a change of files are denied, another command is allowed.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch denied\n!write notes.txt Hello\n!shell echo allowed\n!text Done.");
      await answered(recorder, "deny");
      await answered(recorder, "deny");
      await answered(recorder, "allow");
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
      await answered(recorder, "allow", true);
      await answered(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-mcp",
    about: "Calls of an MCP server's tool are asked for: one is allowed, one is denied.",
    ...asking,
    withEcho: true,
    run: async (recorder) => {
      await recorder.start();
      const call = (text: string): string => tool("mcp__echo__echo", { text });
      recorder.prompt(`${call("one")}\n${call("two")}\n!text Done.`);
      await answered(recorder, "allow");
      await answered(recorder, "deny");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  turnsOf(
    "permission-gate",
    "Tools that know no approval are refused where calls are asked for.",
    [
      tool("view_image", { path: "/etc/hostname" }),
      tool("list_mcp_resources", {}),
      tool("spawn_agent", { message: "!shell echo inside" }),
      tool("exec_command", { cmd: "cat", tty: true }),
      "!text I may not.",
    ].join("\n"),
    { ...asking, ...plainTools, withEcho: true },
  ),
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
    about: "The project would allow everything and start servers of its own; it is asked all the same.",
    ...asking,
    run: async (recorder) => {
      writeProjectSettings(recorder.cwd);
      await recorder.start();
      recorder.prompt("!shell ls\n!text Done.");
      await answered(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  turnsOf(
    "deny-all",
    "No tool may be used, not even to read.",
    `!shell ls\n!write notes.txt Hello\n!text I may not.`,
    {
      input: { permissions: "deny-all" },
    },
  ),
  turnsOf(
    "deny-all-plain",
    "No tool may be used by a model that is offered them one by one.",
    `${tool("exec_command", { cmd: "ls" })}\n${tool("mcp__echo__echo", { text: "hi" })}\n${tool("list_mcp_resources", {})}\n!text I may not.`,
    { input: { permissions: "deny-all" }, ...plainTools, withEcho: true },
  ),
  {
    name: "question",
    about: "The agent asks, and is answered; no permission is asked for that.",
    ...asking,
    ...plainTools,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Blue it is.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { choice: "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and the host declines.",
    ...plainTools,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Then I choose.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];

function writeProjectSettings(cwd: string): void {
  mkdirSync(`${cwd}/.codex/rules`, { recursive: true });
  writeFileSync(`${cwd}/AGENTS.md`, "Be brief.\n");
  writeFileSync(`${cwd}/.codex/rules/all.rules`, 'prefix_rule(pattern=["ls"], decision="allow")\n');
  writeFileSync(
    `${cwd}/.codex/config.toml`,
    `approval_policy = "never"\nsandbox_mode = "danger-full-access"\n[mcp_servers.own]\ncommand = "touch"\nargs = ["${cwd}/started"]\n`,
  );
}

const longAnswer = "!slow 30\n!text One two three four five six seven eight nine ten eleven twelve.";

const interrupts: readonly CodexScenario[] = [
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
    about: "Interrupted while a command runs, which is ended; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.said('"terminated":true');
      await recorder.close();
    },
  },
  {
    name: "interrupt-at-once",
    about: "Interrupted right behind the prompt, before Codex has answered it.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
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
    name: "steer-text",
    about: "A message for the turn while it answers.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: "!text Steered." }] });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];

const failures: readonly CodexScenario[] = [
  turnsOf("api-401", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  turnsOf("api-403", "The key may not use the model.", "!status 403 forbidden"),
  turnsOf("api-404", "The model does not exist.", "!status 404 The model does not exist"),
  turnsOf("api-400", "The request is refused.", "!status 400 bad request"),
  turnsOf("api-429", "Too many requests, with no end.", "!status 429 rate limit"),
  turnsOf(
    "api-429-once",
    "Too many requests, once: Codex does not try again.",
    "!status 429 times 1 rate limit\n!text Never said.",
  ),
  turnsOf(
    "api-429-recovers",
    "Too many requests in the middle of an answer, once.",
    "!text Now it\n!status 429 times 1 rate limit\n!text Here it is.",
  ),
  turnsOf("api-500", "The API fails, with no end.", "!status 500 internal error"),
  turnsOf(
    "api-500-recovers",
    "The API fails, once.",
    "!status 500 times 1 internal error\n!text Here it is.",
  ),
  turnsOf("api-503", "The model is overloaded.", "!status 503 overloaded"),
  turnsOf("api-dropped", "The connection breaks, with no end.", "!drop"),
  turnsOf(
    "api-dropped-in-text",
    "The connection breaks in the middle of a text, once.",
    "!text Now it\n!drop times 1\n!text Here it is.",
  ),
  turnsOf("api-unreachable", "Nobody listens at the API's address.", "!text Never said.", {
    options: { config: { "model_providers.playpen.base_url": "http://127.0.0.1:9/v1" } },
  }),
  {
    name: "killed",
    about: "The CLI is killed in the middle of a turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "start-bad-flag",
    about: "The CLI does not know an argument.",
    options: { extraArgs: ["--nonsense"] },
    run: (recorder) => recorder.start(),
  },
  {
    name: "start-bad-config",
    about: "The CLI cannot read a setting.",
    options: { config: { sandbox_mode: "nonsense" } },
    run: async (recorder) => {
      await recorder.start();
      await recorder.close();
    },
  },
];

const sessions: readonly CodexScenario[] = [
  {
    name: "resume",
    about: "Another process takes the session up; its past is not counted again.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ nativeSessionId: recorder.nativeSessionId, fork: false });
      await recorder.turn("!usage input=20 output=7\n!recall");
      await recorder.close();
    },
  },
  {
    name: "fork",
    about: "Another process forks the session; its past is not counted again.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ nativeSessionId: recorder.nativeSessionId, fork: true });
      await recorder.turn("!usage input=20 output=7\n!recall");
      await recorder.close();
    },
  },
  {
    name: "resume-unknown",
    about: "The session to resume is not there.",
    run: async (recorder) => {
      await recorder.start({ nativeSessionId: "01a1fc87-ce4b-7fd2-8606-b4fb142298e3", fork: false });
      await recorder.close();
    },
  },
  {
    name: "resume-nonsense",
    about: "The session to resume has an id that is none.",
    run: async (recorder) => {
      await recorder.start({ nativeSessionId: "nonsense", fork: false });
      await recorder.close();
    },
  },
  turnsOf("instructions", "Own instructions, in place of Codex's.", "!text Yes.", {
    input: { systemPrompt: { replace: "You are terse." } },
  }),
];

const turnMode = { mode: "turn" } as const;

async function execTurns(recorder: CodexRecorder, ...prompts: readonly string[]): Promise<void> {
  for (const [index, prompt] of prompts.entries()) {
    await recorder.start(
      index === 0 ? undefined : { nativeSessionId: recorder.nativeSessionId, fork: false },
    );
    await recorder.turn(prompt);
    await recorder.exited();
  }
}

function exec(name: string, about: string, prompts: readonly string[], rest: Rest = {}): CodexScenario {
  return {
    name: `exec-${name}`,
    about,
    ...rest,
    options: { ...turnMode, ...rest.options },
    run: (recorder) => execTurns(recorder, ...prompts),
  };
}

const execs: readonly CodexScenario[] = [
  exec("text", "An answer in words, with thoughts.", ["!think Let me see.\n!text Hello."]),
  exec("tools", "Commands that succeed and fail, and a change of files.", [
    "!shell echo hello\n!shell exit 3\n!write notes.txt Hello\n!text Done.",
  ]),
  exec("mcp", "A tool of an MCP server.", [`${tool("mcp__echo__echo", { text: "hi" })}\n!text Echoed.`], {
    withEcho: true,
  }),
  exec(
    "plan",
    "The plan is made and changed.",
    [
      [
        tool("update_plan", {
          plan: [
            { step: "Look", status: "in_progress" },
            { step: "Leap", status: "pending" },
          ],
        }),
        "!text Planned.",
      ].join("\n"),
    ],
    withPlan,
  ),
  exec("resume", "Two turns in two processes; the usage of each is its own.", [
    "!usage input=10 output=5\n!text One.",
    "!usage input=20 output=7\n!recall",
  ]),
  exec("error", "The API fails, with no end.", ["!status 500 internal error"]),
  exec("429", "Too many requests.", ["!status 429 rate limit"]),
  exec("retry", "The connection breaks, once.", ["!text Now it\n!drop times 1\n!text Here it is."]),
  exec("deny-all", "No tool may be used.", ["!shell ls\n!write notes.txt Hello\n!text I may not."], {
    input: { permissions: "deny-all" },
  }),
  {
    name: "exec-resume-unknown",
    about: "The session to resume is not there.",
    options: turnMode,
    run: async (recorder) => {
      await recorder.start({ nativeSessionId: "01a1fc87-ce4b-7fd2-8606-b4fb142298e3", fork: false });
      recorder.prompt("!text Never said.");
      await recorder.exited();
    },
  },
  {
    name: "exec-resume-nonsense",
    about: "The session to resume has an id that is none: Codex begins another one.",
    options: turnMode,
    run: async (recorder) => {
      await recorder.start({ nativeSessionId: "nonsense", fork: false });
      recorder.prompt("!text Said in another session.");
      await recorder.exited();
    },
  },
  {
    name: "exec-fork",
    about: "A turn in a fork of the session: Codex does not tell its usage.",
    options: turnMode,
    run: async (recorder) => {
      await execTurns(recorder, "!text One.");
      await recorder.start({ nativeSessionId: recorder.nativeSessionId, fork: true });
      await recorder.turn("!recall");
      await recorder.exited();
    },
  },
  {
    name: "exec-interrupted",
    about: "The turn is interrupted by a signal.",
    options: turnMode,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      recorder.interrupt();
      await recorder.kill("SIGINT");
    },
  },
];

export const codexScenarios: readonly CodexScenario[] = [
  ...plain,
  ...tools,
  ...permissions,
  ...interrupts,
  ...failures,
  ...sessions,
  ...execs,
];

import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/spec/json.ts";
import type { OfferedTool } from "../../../../src/testing/model-server/index.ts";
import { resolveToolCall } from "../../../../src/testing/model-server/offered-tools.ts";

const text = { type: "string" };

function tool(name: string, parameters: JsonObject = {}): OfferedTool {
  return { name, kind: "function", description: "", parameters };
}

/** What the CLIs offer, as far as it matters here, and what of it is to be called. */
const offers = {
  gemini: {
    tools: [
      tool("replace", { file_path: text, old_string: text, new_string: text }),
      tool("write_file", { file_path: text, content: text }),
      tool("run_shell_command", { command: text, description: text, dir_path: text, is_background: {} }),
    ],
    shell: { name: "run_shell_command", input: { command: "ls", description: "Run a command" } },
    write: { name: "write_file", input: { file_path: "/workspace/a.txt", content: "hi" } },
  },
  opencode: {
    tools: [
      tool("bash", { command: text, timeout: {}, workdir: text }),
      tool("edit", { filePath: text, oldString: text, newString: text }),
      tool("write", { content: text, filePath: text }),
    ],
    shell: { name: "bash", input: { command: "ls" } },
    write: { name: "write", input: { filePath: "/workspace/a.txt", content: "hi" } },
  },
  pi: {
    tools: [
      tool("bash", { command: text, timeout: {} }),
      tool("edit", { path: text, edits: {} }),
      tool("write", { path: text, content: text }),
    ],
    shell: { name: "bash", input: { command: "ls" } },
    write: { name: "write", input: { path: "/workspace/a.txt", content: "hi" } },
  },
  copilot: {
    tools: [
      tool("bash", { command: text, description: text, shellId: text, mode: {}, detach: {} }),
      tool("read_bash", { shellId: text }),
      tool("create", { path: text, file_text: text }),
      tool("edit", { path: text, old_str: text, new_str: text }),
      tool("write_agent", { agent_id: text, message: text }),
    ],
    shell: { name: "bash", input: { command: "ls", description: "Run a command" } },
    write: { name: "create", input: { path: "/workspace/a.txt", file_text: "hi" } },
  },
  droid: {
    tools: [
      tool("Execute", { summary: text, command: text, timeout: {}, fireAndForget: {} }),
      tool("Edit", { file_path: text, old_str: text, new_str: text }),
      tool("Create", { file_path: text, content: text }),
    ],
    shell: { name: "Execute", input: { command: "ls", summary: "Run a command" } },
    write: { name: "Create", input: { file_path: "/workspace/a.txt", content: "hi" } },
  },
  qwen: {
    tools: [
      tool("tool_search", { query: text }),
      tool("edit", { file_path: text, old_string: text, new_string: text }),
      tool("write_file", { file_path: text, content: text }),
      tool("run_shell_command", { command: text, is_background: {}, description: text, directory: text }),
    ],
    shell: { name: "run_shell_command", input: { command: "ls", description: "Run a command" } },
    write: { name: "write_file", input: { file_path: "/workspace/a.txt", content: "hi" } },
  },
} as const;

describe("resolveToolCall", () => {
  it.each(Object.entries(offers))(
    "runs a command and writes a file by the tools of %s",
    (_name, expected) => {
      const offer = { tools: expected.tools, cwd: "/workspace" };
      expect(resolveToolCall({ type: "shell", command: "ls" }, offer)).toEqual(expected.shell);
      expect(resolveToolCall({ type: "write", path: "a.txt", content: "hi" }, offer)).toEqual(expected.write);
      const elsewhere = resolveToolCall({ type: "write", path: "/b.txt", content: "hi" }, offer);
      expect(Object.values(elsewhere.input)).toContain("/b.txt");
    },
  );

  const options = [
    { label: "Red", description: "Chooses Red." },
    { label: "Blue", description: "Chooses Blue." },
  ];
  const asked = { question: "Which?", header: "Choice", options };
  it.each([
    ["Claude Code", tool("AskUserQuestion"), { questions: [{ ...asked, multiSelect: false }] }],
    ["Codex", tool("request_user_input"), { questions: [{ ...asked, id: "choice" }] }],
    [
      "Gemini CLI",
      tool("ask_user", { questions: { items: { properties: { type: text, question: text } } } }),
      { questions: [{ ...asked, type: "choice" }] },
    ],
    [
      "OpenCode",
      tool("question", { questions: { items: { properties: { question: text } } } }),
      { questions: [asked] },
    ],
    [
      "Copilot",
      tool("ask_user", { question: text, choices: {} }),
      { question: "Which?", choices: ["Red", "Blue"] },
    ],
    [
      "Copilot with forms",
      tool("ask_user", { message: text, requestedSchema: {} }),
      {
        message: "Which?",
        requestedSchema: {
          properties: { choice: { type: "string", title: "Choice", enum: ["Red", "Blue"] } },
          required: ["choice"],
        },
      },
    ],
    [
      "Droid",
      tool("AskUser", { questionnaire: text }),
      { questionnaire: "1. [question] Which?\n[topic] Choice\n[option] Red\n[option] Blue" },
    ],
  ])("asks the user by the tool of %s", (_name, asking, input) => {
    const step = { type: "ask", question: "Which?", options: ["Red", "Blue"] } as const;
    expect(resolveToolCall(step, { tools: [tool("Bash"), asking] })).toEqual({ name: asking.name, input });
  });

  it("asks by the tool that Qwen Code offers only on demand", () => {
    const step = { type: "ask", question: "Which?", options: ["Red", "Blue"] } as const;
    const call = resolveToolCall(step, { tools: offers.qwen.tools });
    expect(call).toEqual({ name: "ask_user_question", input: { questions: [asked] } });
    expect(() => resolveToolCall(step, { tools: offers.pi.tools })).toThrow(
      /ask the user.*bash, edit, write/,
    );
  });
});

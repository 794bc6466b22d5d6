import type { CodexOptions } from "../../../../backends/codex/index.ts";
import type { JsonObject, McpServers, Skill } from "../../../../src/kit.ts";
import { directiveScenario } from "../../../../src/testing/model-server/index.ts";
import { oneTurn, processPerTurn, tool, type Scenario } from "../../scenario.ts";
import { patch, plainTools } from "./directives.ts";

const skill = (name: string, text: string): Skill => ({ name, files: { "SKILL.md": text } });

const skills: readonly Skill[] = [
  skill("greet", "---\nname: greet\ndescription: Greets people properly.\n---\nSay hello twice.\n"),
  skill("mute", "No one knows what for.\n"),
];

/** Without the bounds and the closedness that strict mode wants said. */
const numberSchema: JsonObject = {
  type: "object",
  properties: { number: { type: "integer" } },
  required: ["number"],
};
const listSchema: JsonObject = { type: "array", items: { type: "integer" } };

const missing: McpServers = { missing: { type: "stdio", command: "/nowhere/server" } };
const confined = { allowedTools: ["shell", "mcp__echo__echo"] } as const;
const calls = [
  "!shell echo hello",
  tool("mcp__echo__echo", { text: "hi" }),
  tool("list_mcp_resources", {}),
  patch("*** Add File: a.txt", "+a"),
  "!text Done.",
].join("\n");

/** A program of the model's, in which it calls tools: what newer models are offered instead of the tools. */
const program = (code: string): string => tool("exec", `text(JSON.stringify(await ${code}))`);

export const abilityScenarios: readonly Scenario<CodexOptions>[] = [
  oneTurn("allowed-tools", "The session is confined to two tools; others are called all the same.", calls, {
    ...plainTools,
    input: confined,
    withEchoServer: true,
  }),
  oneTurn(
    "allowed-tools-program",
    "The same, with tools that are called from a program.",
    [
      program('tools.exec_command({ cmd: "echo hello" })'),
      program('tools.apply_patch("*** Begin Patch\\n*** Add File: a.txt\\n+a\\n*** End Patch")'),
      "!text Done.",
    ].join("\n"),
    { input: confined },
  ),
  oneTurn("skills", "Two skills of the session, one of which the CLI does not take.", "!text Done.", {
    input: { skills },
  }),
  oneTurn("plan-mode", "The session is in plan mode, and thinks at a level of its own.", "!text Done.", {
    input: { agentMode: "plan", thinking: "high" },
  }),
  {
    name: "models",
    about: "The models are asked for, before any turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.request({ id: "host-1", type: "list_models" });
      await recorder.said('"nextCursor"');
      await recorder.close();
    },
  },
  {
    name: "structured-output",
    about: "An output by a schema, and then none.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn('!json {"number":1}', numberSchema);
      await recorder.turn("!text In words.");
      await recorder.close();
    },
  },
  {
    name: "structured-output-words",
    about: "A schema that can only be told in words.",
    model: (request) =>
      request.side === undefined ? [{ type: "text", text: "[1, 2]" }] : directiveScenario(request),
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("Two numbers, please.", listSchema);
      await recorder.close();
    },
  },
  {
    name: "mcp-failed",
    about: "An MCP server is not there.",
    input: { mcpServers: missing },
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Begun.\n!wait 1000\n!text Done.");
      for (;;) {
        const { mcpServers = [] } = await recorder.next("session.updated");
        if (mcpServers.some(({ status }) => status === "failed")) break;
      }
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "exec-allowed-tools",
    about: "A process of one turn that is confined to two tools.",
    options: { ...plainTools.options, mode: "turn" },
    input: confined,
    withEchoServer: true,
    run: (recorder) => processPerTurn(recorder, calls),
  },
  {
    name: "exec-mcp-failed",
    about: "An MCP server is not there, in two turns.",
    options: { mode: "turn" },
    input: { mcpServers: missing },
    run: (recorder) => processPerTurn(recorder, "!text One.", "!text Two."),
  },
];

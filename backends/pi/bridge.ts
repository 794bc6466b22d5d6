import type { PermissionMode } from "../../src/kit.ts";

/** What the extension that the library gives to Pi is made for. */
export interface BridgeSettings {
  readonly gate: PermissionMode;
  /** Whether the settings of the working directory apply to the commands that the agent runs. */
  readonly trustsProject: boolean;
  /** Offers the agent a tool by which it asks the host. */
  readonly asksHost: boolean;
  /** The session that must be resumed. Pi takes the beginning of an id for the id. */
  readonly sessionId?: string;
}

/** The key of the status by which the extension tells that it is there. */
export const bridgeKey = "playpen";
/** Titles of the dialogs by which it asks. */
export const permissionTitle = "playpen.permission";
export const questionTitle = "playpen.question";
export const questionTool = "request_user_input";
/** Beginnings of what it says before it ends the process. */
export const otherFolder = "playpen: the session belongs to the folder ";
export const otherSession = "playpen: no session has exactly the id ";

/**
 * The source of the extension. It holds back tool calls until the host has answered, since Pi itself knows no
 * permissions; asks the host's questions; tells whether a file that is written is new; takes the message so far out of
 * each increment, which makes the output of a long answer quadratic; and treats an interrupt as the one signal upon
 * which Pi ends the commands it runs. Whatever goes wrong in it, no tool runs: Pi does not start with an extension that
 * fails to load, and does not make a call whose handler has thrown.
 */
export function bridgeSource(settings: BridgeSettings): string {
  return `// Written by playpen at each start.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
${settings.trustsProject ? "" : 'import { createBashToolDefinition } from "@mariozechner/pi-coding-agent";\n'}
const gate = ${JSON.stringify(settings.gate)};
const sessionId = ${JSON.stringify(settings.sessionId ?? null)};
const newFiles = new Set();

export default function (pi) {
  pi.on("session_start", (_event, context) => {
    if (context.cwd !== process.cwd()) refuse(${JSON.stringify(otherFolder)} + context.cwd);
    if (sessionId !== null && context.sessionManager.getSessionId() !== sessionId) {
      refuse(${JSON.stringify(otherSession)} + sessionId);
    }
${settings.trustsProject ? "" : bashTool}${settings.asksHost ? questionToolSource : ""}    if (!process.listeners("SIGINT").includes(onInterrupt)) process.on("SIGINT", onInterrupt);
    if (context.hasUI) {
      context.ui.setStatus(${JSON.stringify(bridgeKey)}, JSON.stringify({ gate, tools: pi.getActiveTools() }));
    }
  });

  pi.on("message_update", (event) => {
    event.message.content = [];
    delete event.assistantMessageEvent.partial;
  });

  pi.on("tool_call", async (event, context) => {
${settings.gate === "allow-all" ? "" : gateSource(settings.gate)}    if (event.toolName === "write" && !existsSync(pathOf(event.input.path, context.cwd))) newFiles.add(event.toolCallId);
  });

  pi.on("tool_result", (event) => {
    if (newFiles.delete(event.toolCallId)) return { details: { ...event.details, isNew: true } };
  });
}

// At once: Pi forgets a command whose shell has ended, and with it what the command left in the background.
function onInterrupt() {
  process.emit("SIGTERM");
}

function refuse(message) {
  process.stderr.write(message + "\\n");
  process.exit(70);
}

function pathOf(path, cwd) {
  const bare = String(path).replace(/^@/, "");
  return bare === "~" || bare.startsWith("~/") ? homedir() + bare.slice(1) : resolve(cwd, bare);
}
`;
}

/** Without what the project's settings would put before each command. */
const bashTool = `    pi.registerTool(createBashToolDefinition(context.cwd));
`;

function gateSource(gate: PermissionMode): string {
  if (gate === "deny-all") {
    return `    return { block: true, reason: "No tool may be used in this session." };
`;
  }
  return `    if (event.toolName !== ${JSON.stringify(questionTool)}) {
      const { toolCallId, toolName, input } = event;
      const answer = await context.ui.input(
        ${JSON.stringify(permissionTitle)},
        JSON.stringify({ toolCallId, toolName, input }),
        { signal: context.signal },
      );
      const decision = JSON.parse(answer ?? "{}");
      if (decision.allow !== true) return { block: true, reason: decision.message || "The call was not permitted." };
      if (decision.input !== undefined) {
        for (const name of Object.keys(input)) delete input[name];
        Object.assign(input, decision.input);
      }
    }
`;
}

const questionToolSource = `    if (context.hasUI) {
      pi.registerTool({
        name: ${JSON.stringify(questionTool)},
        label: "Ask the user",
        description: "Asks the user one or more questions, each with options to choose from, and returns the answers.",
        promptSnippet: "Ask the user questions",
        parameters: {
          type: "object",
          properties: {
            questions: {
              type: "array",
              minItems: 1,
              items: {
                type: "object",
                properties: {
                  id: { type: "string", description: "A short name for the question, such as colour." },
                  header: { type: "string", description: "Two or three words." },
                  question: { type: "string" },
                  options: {
                    type: "array",
                    items: {
                      type: "object",
                      properties: { label: { type: "string" }, description: { type: "string" } },
                      required: ["label"],
                    },
                  },
                  multiSelect: { type: "boolean", description: "Whether several options may be chosen." },
                },
                required: ["id", "question", "options"],
              },
            },
          },
          required: ["questions"],
        },
        async execute(toolCallId, { questions }, signal, _onUpdate, toolContext) {
          const asked = JSON.stringify({ toolCallId, questions });
          const answer = await toolContext.ui.input(${JSON.stringify(questionTitle)}, asked, { signal });
          const { answers } = JSON.parse(answer ?? "{}");
          if (answers === undefined) throw new Error("The user declined to answer.");
          return { content: [{ type: "text", text: JSON.stringify(answers) }], details: { answers } };
        },
      });
    }
`;

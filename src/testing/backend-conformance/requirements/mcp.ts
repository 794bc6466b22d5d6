import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import type { McpServers } from "../../../spec/backend.ts";
import { mcpEchoServer } from "../mcp-echo-server.ts";
import { type BackendContext, type BackendRequirement, eventsOf } from "../requirement.ts";

export const mcpRequirements: readonly BackendRequirement[] = [
  {
    id: "mcp.tool",
    title: "gives the tools of an MCP server to the model, and runs them",
    needs: ["mcpServers:stdio"],
    async run(context) {
      const session = await context.session({ mcpServers: await echoServer(context) });
      context.follow(callEcho);
      const { events, result } = await context.complete(session, "Say hi by the tool.");
      const [started] = eventsOf(events, "tool.started");
      const [completed] = eventsOf(events, "tool.completed");
      expectEqual(started?.kind, "mcp", "The kind of the tool call");
      expectEqual(completed?.status, "ok", `The status of the tool call (${completed?.output ?? "none"})`);
      expectTrue(
        completed?.output.includes("echo: hi") === true,
        `Expected echo: hi, saw ${String(completed?.output)}`,
      );
      expectEqual(result.text, "Echoed.", "The text of the turn");
    },
  },
  {
    id: "mcp.permission",
    title: "asks before it runs the tool of an MCP server",
    needs: ["mcpServers:stdio", "permissions:ask"],
    async run(context) {
      const session = await context.session({
        mcpServers: await echoServer(context),
        permissions: () => ({ outcome: "deny", message: "Not here." }),
      });
      context.follow(callEcho);
      const { events } = await context.play(session, "Say hi by the tool.");
      expectEqual(
        eventsOf(events, "permission.requested").map(({ tool }) => tool.kind),
        ["mcp"],
        "The kinds of the tools that were asked for",
      );
      expectTrue(!JSON.stringify(events).includes("echo: hi"), "The tool ran although it was denied.");
    },
  },
];

async function echoServer(context: BackendContext): Promise<McpServers> {
  const box = await context.box();
  const script = `${box.cwd}/mcp-echo-server.mjs`;
  await box.files.write(script, mcpEchoServer);
  return { echo: { type: "stdio", command: "node", args: [script] } };
}

/** CLIs put the server's name before the tool's in their own ways. */
const callEcho: Parameters<BackendContext["follow"]>[0] = ({ tools }) => {
  const offered = tools.find(
    ({ name, namespace = "" }) => name.includes("echo") || namespace.includes("echo"),
  );
  const name = offered?.name ?? "mcp__echo__echo";
  return [
    { type: "tool", name, input: { text: "hi" } },
    { type: "text", text: "Echoed." },
  ];
};

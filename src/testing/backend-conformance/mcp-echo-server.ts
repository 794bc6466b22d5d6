/** A small MCP server over standard input and output, as the source of a program for Node: its one tool, `echo`, says its `text`. */
export const mcpEchoServer = `import { createInterface } from "node:readline";

const tools = [
  {
    name: "echo",
    description: "Says the text.",
    inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  },
];

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "echo", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({ tools }),
  "tools/call": (params) => ({ content: [{ type: "text", text: \`echo: \${params.arguments.text}\` }] }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = answers[method];
  const outcome = answer
    ? { result: answer(params) }
    : { error: { code: -32601, message: \`No method \${method}.\` } };
  process.stdout.write(\`\${JSON.stringify({ jsonrpc: "2.0", id, ...outcome })}\\n\`);
}
`;

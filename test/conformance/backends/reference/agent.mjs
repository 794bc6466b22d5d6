// A small coding agent that does everything the conformance suite asks for, and one thing wrong where it is told to.
// It reads what the backend writes, one JSON object a line, and prints steps of the backend contract.
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { askModel } from "./model-client.mjs";
import { McpServer, ownTools, runShell, runWrite } from "./tools.mjs";

const settings = JSON.parse(process.env.REFERENCE_SETTINGS);
const { url, stateDirectory, flaw } = settings;
const cwd = process.cwd();
const instructions = `You are an agent for tests. ${"Do as you are told. ".repeat(60)}`;

const say = (step) => process.stdout.write(`${JSON.stringify(step)}\n`);
const tell = (...events) => say({ events });

let session = { id: randomUUID(), messages: [], spent: { input: 0, output: 0 } };
let model = settings.model;
let tools = ownTools;
let turn;
let output;
const servers = [];
const answers = new Map();
const steered = [];
const granted = new Set();

for await (const line of createInterface({ input: process.stdin })) {
  const input = JSON.parse(line);
  if (input.type === "open") await open(input);
  else if (input.type === "prompt") void play(input);
  else if (input.type === "interrupt") interrupt();
  else if (input.type === "reply") answers.get(input.answer.requestId)?.(input.answer);
  else if (input.type === "request") request(input.request);
}
for (const server of servers) server.close();
turn?.abort();

async function open({ resume, fork }) {
  if (flaw === "fails in a mode" && settings.agentMode !== undefined) return fail("No such mode.");
  if (resume !== undefined && flaw !== "does not resume") {
    const stored = read(resume);
    if (stored === undefined && flaw !== "takes any session") return say({ resumeLost: true });
    session = { ...session, ...stored, id: fork ? randomUUID() : resume };
  }
  if (flaw !== "has no MCP") {
    for (const [name, server] of Object.entries(settings.mcpServers)) {
      servers.push(new McpServer(name, server));
      tools = [...tools, ...(await servers.at(-1).tools())];
    }
  }
  if (settings.allowedTools !== undefined && flaw !== "has more tools")
    tools = tools.filter(({ name }) => settings.allowedTools.includes(name));
  const resumed = resume !== undefined && flaw !== "does not resume";
  const started = {
    type: "session.started",
    agent: settings.agent,
    cwd,
    resumed,
    nativeSessionId: session.id,
  };
  say({ ready: true, nativeSessionId: session.id, events: [started], background: true });
  if (flaw === "prints noise") process.stdout.write("Welcome!\n");
}

function fail(message) {
  say({ startError: { code: "session_start_failed", message, retryable: false }, closeStdin: true });
}

async function play({ content, outputSchema }) {
  if (flaw === "starts anew each turn")
    tell({ type: "session.started", agent: settings.agent, cwd, resumed: false });
  if (flaw === "fails when it thinks hard" && settings.thinking === "high")
    return end({
      type: "turn.failed",
      error: { code: "agent_error", message: "Too hard.", retryable: false },
    });
  turn = new AbortController();
  const { signal } = turn;
  if (flaw === "forgets") session.messages = [];
  if (flaw === "shares sessions") session.messages = read("shared")?.messages ?? [];
  if (flaw === "leaks the past" && session.leak !== undefined) tell(session.leak);
  session.messages.push({ role: "user", content: content.map(contentPart).filter(Boolean) });
  const spent = { input: 0, output: 0 };
  try {
    for (;;) {
      const calls = await answer(signal, spent);
      for (const result of await Promise.all(calls.map((call) => runCall(call, signal))))
        session.messages.push(result);
      signal.throwIfAborted();
      if (calls.length === 0 && steered.length === 0) break;
      while (steered.length > 0) session.messages.push({ role: "user", content: steered.shift() });
    }
    end({ type: "turn.completed", stopReason: "end_turn", ...figures(spent), ...structured(outputSchema) });
  } catch (error) {
    if (signal.aborted) {
      if (flaw === "forgets when interrupted") session.messages = [];
      end({
        type: flaw === "completes what is interrupted" ? "turn.completed" : "turn.interrupted",
        by: "host",
        stopReason: "other",
        ...figures(spent),
      });
      return;
    }
    if (flaw === "forgets when it fails") session.messages = [];
    if (flaw === "hides a broken connection" && error.code === "network_error")
      return end({ type: "turn.completed", stopReason: "end_turn", ...figures(spent) });
    const { code = "agent_error", message, status } = error;
    end({ type: "turn.failed", error: { code, message, status, retryable: false }, ...figures(spent) });
  }
}

function contentPart(part) {
  if (part.type === "text") return part;
  return flaw === "is blind"
    ? undefined
    : { type: "image_url", image_url: { url: `data:${part.mediaType};base64,${part.data}` } };
}

/** One request to the model. Gives the calls of the answer. */
async function answer(signal, spent) {
  const body = {
    model,
    messages: [{ role: "system", content: systemPrompt() }, ...session.messages],
    tools: tools.map(({ name, parameters }) => ({
      type: "function",
      function: { name, parameters: { type: "object", properties: parameters } },
    })),
    ...(settings.thinking === undefined ? {} : { reasoning_effort: settings.thinking }),
  };
  const texts = { content: "", reasoning_content: "" };
  const ids = { content: randomUUID(), reasoning_content: randomUUID() };
  const kinds = { content: "message", reasoning_content: "reasoning" };
  const calls = [];
  for await (const { choices, usage } of askModel({ url, key: process.env.REFERENCE_ACCESS, body, signal })) {
    if (usage) {
      if (flaw === "counts the last request") Object.assign(spent, { input: 0, output: 0 });
      spent.input += usage.prompt_tokens;
      spent.output += usage.completion_tokens;
    }
    const delta = choices[0]?.delta ?? {};
    for (const key of ["reasoning_content", "content"]) {
      if (!delta[key]) continue;
      texts[key] += delta[key];
      if (flaw !== "does not stream")
        tell({ type: `${kinds[key]}.delta`, messageId: ids[key], text: delta[key] });
      if (key === "content") session.leak = { type: "message.delta", messageId: "late", text: delta[key] };
    }
    for (const { index, id, function: call } of delta.tool_calls ?? []) {
      calls[index] ??= { id, name: call.name, input: "" };
      calls[index].input += call.arguments ?? "";
    }
  }
  for (const key of ["reasoning_content", "content"])
    if (texts[key] !== "") tell({ type: `${kinds[key]}.completed`, messageId: ids[key], text: texts[key] });
  if (texts.content !== "") output = texts.content;
  session.messages.push({
    role: "assistant",
    content: texts.content,
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: "function",
            function: { name, arguments: input },
          })),
        }),
  });
  return calls;
}

function systemPrompt() {
  const { systemPrompt: given = {}, skills = [] } = settings;
  const own = flaw === "keeps its instructions" ? instructions : (given.replace ?? instructions);
  const added = flaw === "keeps its instructions" ? "" : (given.append ?? "");
  const offered = flaw === "has no skills" ? [] : skills;
  return [own, added, ...offered].join("\n");
}

async function runCall({ id, name, input: written }, signal) {
  let input = JSON.parse(written || "{}");
  const tool = tools.find((one) => one.name === name);
  const asked = {
    name,
    kind: tool?.kind ?? "other",
    title: `${name} ${input.command ?? input.file_path ?? ""}`,
    input,
  };
  tell({ type: "tool.started", toolCallId: id, ...asked });
  const run = async () => {
    if (tool === undefined) return { output: `There is no tool ${name}.`, status: "error" };
    if (name === "ask_user") return ask(input, signal);
    const early = flaw === "runs before it asks" ? await execute(tool, input, signal, id) : undefined;
    const decision = await permission(id, asked, signal);
    if (decision.outcome === "deny") return { output: decision.message ?? "Denied.", status: "denied" };
    if (flaw !== "ignores another input") input = decision.updatedInput ?? input;
    return early ?? execute(tool, input, signal, id);
  };
  const { file, ...result } = await run();
  const status =
    signal.aborted && flaw !== "takes an interrupted tool for good" ? "interrupted" : result.status;
  tell({ type: "tool.completed", toolCallId: id, output: result.output, status, ...exitCodeOf(result) });
  return { role: "tool", tool_call_id: id, content: result.output || "(nothing)" };
}

function exitCodeOf({ exitCode }) {
  return typeof exitCode === "number" ? { exitCode } : {};
}

async function execute(tool, input, signal, toolCallId) {
  if (tool.kind === "mcp") return tool.call(input);
  const folder = flaw === "works elsewhere" ? "/" : cwd;
  if (tool.name === "shell") return runShell({ command: input.command, cwd: folder, signal });
  const done = await runWrite({ path: input.file_path, content: input.content, cwd: folder });
  tell({ type: "file.changed", path: done.file, change: "added", toolCallId });
  return done;
}

async function permission(toolCallId, tool, signal) {
  const allow = { outcome: "allow" };
  if (settings.permissions === "allow-all") return allow;
  if (settings.permissions === "deny-all")
    return flaw === "writes where all is denied" && tool.kind === "edit" ? allow : { outcome: "deny" };
  if (flaw === "does not ask for MCP" && tool.kind === "mcp") return allow;
  if (flaw === "asks once" && granted.has(tool.title)) return allow;
  granted.add(tool.title);
  const requestId = randomUUID();
  tell({ type: "permission.requested", requestId, tool: { toolCallId, ...tool }, canRemember: false });
  const decision = await reply(requestId, signal);
  if (decision !== undefined) return flaw === "ignores a denial" ? allow : decision;
  return flaw === "runs what is withdrawn" ? allow : { outcome: "deny", message: "Withdrawn." };
}

async function ask({ question, choices }, signal) {
  const requestId = randomUUID();
  const options = choices.map((label) => ({ label }));
  tell({
    type: "question.requested",
    requestId,
    questions: [{ id: "one", question, options, multiSelect: false }],
  });
  const answered = await reply(requestId, signal);
  if (answered?.answers === undefined && flaw === "wants an answer") throw new Error("There is no answer.");
  const said = flaw === "keeps answers to itself" ? "Answered." : (answered?.answers?.one ?? "No answer.");
  return { output: String(said), status: "ok" };
}

function reply(requestId, signal) {
  return new Promise((resolve) => {
    answers.set(requestId, resolve);
    signal.addEventListener("abort", () => resolve(undefined));
  });
}

function request({ id, type, model: wanted, content }) {
  if (type === "set_model" && flaw !== "keeps its model") model = wanted;
  if (type === "steer" && flaw !== "loses messages") steered.push(content.map(({ text }) => text).join("\n"));
  const models = flaw === "knows no models" ? [] : [{ id: "stand-in" }, { id: "other-model" }];
  say({ responses: [{ id, ...(type === "list_models" ? { models } : {}) }] });
}

function interrupt() {
  turn?.abort();
}

function figures(spent) {
  session.spent.input += spent.input;
  session.spent.output += spent.output;
  const { input, output: produced } = flaw === "counts the whole session" ? session.spent : spent;
  const usage = { inputTokens: input, outputTokens: produced };
  const paid = flaw === "adds up costs" ? session.spent : spent;
  return { usage, costUsd: (paid.input + 5 * paid.output) / 1e6 };
}

function structured(outputSchema) {
  if (flaw === "repeats its output" && session.output !== undefined) return { output: session.output };
  if (outputSchema === undefined || flaw === "gives no output") return {};
  try {
    session.output = JSON.parse(output);
    return { output: session.output };
  } catch {
    return {};
  }
}

function end(event) {
  turn = undefined;
  write(session.id);
  if (flaw === "shares sessions") write("shared");
  tell(event);
}

function read(id) {
  try {
    return JSON.parse(readFileSync(`${stateDirectory}/${id}.json`, "utf8"));
  } catch {
    return undefined;
  }
}

function write(id) {
  mkdirSync(stateDirectory, { recursive: true });
  const { messages, spent } = session;
  writeFileSync(`${stateDirectory}/${id}.json`, JSON.stringify({ messages, spent }));
}

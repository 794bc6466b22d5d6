/**
 * Writes docs/capabilities.md and docs/providers.md from what the backends and the providers declare.
 *
 *     npm run docs:capabilities
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format } from "prettier";
import { acp } from "../backends/acp/index.ts";
import { presetNames } from "../backends/acp/presets.ts";
import type { AgentBackend, BackendCapabilities, ProcessMode } from "../src/kit.ts";
import { providersPage, providersPath } from "./provider-table.ts";
import { repositoryRoot, subpaths } from "./subpaths.ts";

export const capabilitiesPath = `${repositoryRoot}docs/capabilities.md`;

interface Row {
  readonly title: string;
  readonly cell: (capabilities: BackendCapabilities) => string;
}

const yes = (value: boolean): string => (value ? "✓" : "–");
const list = (values: readonly string[]): string => (values.length === 0 ? "–" : values.join(", "));

const rows: readonly Row[] = [
  { title: "resume", cell: ({ resume }) => yes(resume) },
  { title: "fork", cell: ({ fork }) => yes(fork) },
  { title: "permissions", cell: ({ permissions }) => list(permissions) },
  { title: "permission with another input", cell: ({ updatedInput }) => yes(updatedInput) },
  { title: "questions", cell: ({ questions }) => yes(questions) },
  { title: "steering", cell: ({ steering }) => yes(steering) },
  { title: "interrupt that keeps the process", cell: ({ interrupt }) => yes(interrupt === "protocol") },
  { title: "text in deltas", cell: ({ textDeltas }) => yes(textDeltas) },
  { title: "reasoning", cell: ({ reasoning }) => yes(reasoning) },
  { title: "images", cell: ({ images }) => yes(images) },
  { title: "files", cell: () => "✓" },
  { title: "MCP servers", cell: ({ mcpServers }) => list(mcpServers) },
  { title: "host tools", cell: () => "–" },
  { title: "system prompt", cell: ({ systemPrompt }) => list(systemPrompt) },
  { title: "allowed tools", cell: ({ allowedTools }) => yes(allowedTools) },
  { title: "skills", cell: ({ skills }) => yes(skills) },
  { title: "structured output", cell: ({ structuredOutput }) => structuredOutput },
  { title: "thinking", cell: ({ thinking }) => list(thinking) },
  { title: "modes of the agent", cell: ({ agentModes }) => list(agentModes) },
  { title: "list of models", cell: ({ models }) => (models === "none" ? "–" : models) },
  { title: "change of the model", cell: ({ setModel }) => yes(setModel) },
  { title: "usage", cell: ({ usage }) => yes(usage) },
  { title: "cost", cell: ({ cost }) => yes(cost) },
  { title: "compaction", cell: ({ compaction }) => yes(compaction) },
];

const modes: readonly ProcessMode[] = ["session", "turn"];

type Factory = (options: { readonly mode: ProcessMode }) => AgentBackend;

/** One agent of this package: its factory's name, and what it makes in each mode that it knows. */
export interface Agent {
  readonly name: string;
  readonly of: readonly AgentBackend[];
}

/** The backends of this package, by sub-path. */
export async function agents(): Promise<readonly Agent[]> {
  const found = subpaths().filter(({ source }) => source.startsWith("backends/"));
  return Promise.all(
    found.map(async ({ specifier, source }) => {
      const name = specifier.slice(specifier.indexOf("/") + 1);
      // It takes any agent, whose abilities are not its own.
      if (name === "acp") return { name, of: [acp({ command: "agent" })] };
      const exported = (await import(pathToFileURL(`${repositoryRoot}${source}`).href)) as {
        [key: string]: Factory;
      };
      const factory = exported[name];
      if (factory === undefined) throw new Error(`${source} does not export ${name}().`);
      return { name, of: modes.flatMap((mode) => inMode(factory, mode)) };
    }),
  );
}

function inMode(factory: Factory, mode: ProcessMode): readonly AgentBackend[] {
  try {
    const backend = factory({ mode });
    return backend.mode === mode ? [backend] : [];
  } catch (error) {
    // A backend that knows one mode only refuses the other.
    if (error instanceof TypeError && error.message.includes("mode")) return [];
    throw error;
  }
}

function section({ name, of }: Agent): string {
  const unverified = of.find((backend) => backend.unverified !== undefined)?.unverified;
  const heading = `## ${name}()${unverified === undefined ? "" : ": not verified"}`;
  const facts = `${name === "acp" ? anyAgent : versionOf(of)} [More](backends/${name}.md)`;
  const warning = unverified === undefined ? [] : [`**Not verified.** ${unverified}`];
  return [heading, ...warning, facts, abilities(of), ...(name === "acp" ? [presetTable()] : [])].join("\n\n");
}

function versionOf([backend]: readonly AgentBackend[]): string {
  if (backend === undefined) return "";
  const { cli } = backend;
  return cli.package === ""
    ? `\`${cli.command}\`, which no package on npm brings.`
    : `\`${cli.package}\` ${cli.version}.`;
}

const anyAgent =
  "Any agent that speaks the Agent Client Protocol. This is what the protocol allows for: an agent shows only when it runs what it does not have, and what asks for that is then refused with the reason. With `asksForEveryCall` the permissions may also be `deny-all` and `ask`.";

function abilities(of: readonly AgentBackend[]): string {
  const head = `| | ${of.map(({ mode }) => `mode \`"${mode}"\``).join(" | ")} |\n| --- |${" --- |".repeat(of.length)}`;
  const body = rows.map(
    ({ title, cell }) => `| ${title} | ${of.map(({ capabilities }) => cell(capabilities)).join(" | ")} |`,
  );
  return [head, ...body].join("\n");
}

/** What is known of the agents that `acp()` knows by name. */
function presetTable(): string {
  const body = presetNames.map((name) => {
    const { cli, capabilities } = acp(name);
    return `| \`acp("${name}")\` | \`${cli.package}\` ${cli.version} | ${yes(capabilities.usage)} | ${yes(capabilities.cost)} |`;
  });
  return ["| known by name | package | usage | cost |", "| --- | --- | --- | --- |", ...body].join("\n");
}

/** The page as it has to be. */
export async function capabilitiesPage(): Promise<string> {
  const sections = (await agents()).map(section);
  const text = `# What each agent can do

Generated from what the backends declare (\`npm run docs:capabilities\`). What is asked for and not there is refused when the
session is created, with the reason and what would work. The suites run each declared ability on the real CLI. An agent whose CLI
does nothing without its vendor's service is marked as not verified, with the reason.

In mode \`"session"\`, the default, one process serves the whole session; in mode \`"turn"\` each turn starts one of its own.
Files are uploaded by the library and work with every agent. Structured output is validated in any case: \`native\` agents
are given the schema, others are asked in words (\`prompted\`). There is no way yet to serve an agent tools from the host's
own process; MCP servers can be used instead.

${sections.join("\n\n")}
`;
  return format(text, { parser: "markdown", printWidth: 110 });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(capabilitiesPath, await capabilitiesPage());
  writeFileSync(providersPath, await providersPage());
}

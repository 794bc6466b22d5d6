/**
 * Writes docs/capabilities.md from what the backends declare.
 *
 *     npm run docs:capabilities
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format } from "prettier";
import type { AgentBackend, BackendCapabilities, ProcessMode } from "../src/kit.ts";
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

type Factory = (options: { readonly mode?: ProcessMode; readonly command?: string }) => AgentBackend;

/** The backends of this package, by sub-path. `acp()` takes any agent: what one of them can do shows when it runs. */
async function backends(): Promise<
  readonly { readonly name: string; readonly of: readonly AgentBackend[] }[]
> {
  const found = subpaths().filter(({ source }) => source.startsWith("backends/"));
  return Promise.all(
    found.map(async ({ specifier, source }) => {
      const name = specifier.slice(specifier.indexOf("/") + 1);
      const exported = (await import(pathToFileURL(`${repositoryRoot}${source}`).href)) as {
        [key: string]: Factory;
      };
      const factory = exported[name];
      if (factory === undefined) throw new Error(`${source} does not export ${name}().`);
      const needed = name === "acp" ? { command: "agent" } : {};
      const of = modes.flatMap((mode) => {
        try {
          const backend = factory({ ...needed, mode });
          return backend.mode === mode ? [backend] : [];
        } catch (error) {
          // A backend that knows one mode only refuses the other.
          if (error instanceof TypeError && error.message.includes("mode")) return [];
          throw error;
        }
      });
      return { name, of };
    }),
  );
}

/** The page as it has to be. */
export async function capabilitiesPage(): Promise<string> {
  const tables = (await backends()).map(({ name, of }) => {
    const head = `| | ${of.map(({ mode }) => `mode \`"${mode}"\``).join(" | ")} |\n| --- |${" --- |".repeat(of.length)}`;
    const body = rows.map(
      ({ title, cell }) => `| ${title} | ${of.map(({ capabilities }) => cell(capabilities)).join(" | ")} |`,
    );
    const cli = of[0]?.cli;
    const version = cli === undefined ? "" : `\`${cli.package}\` ${cli.version}. `;
    return `## ${name}()\n\n${version}[More](backends/${name}.md)\n\n${head}\n${body.join("\n")}`;
  });
  const text = `# What each agent can do

Generated from what the backends declare (\`npm run docs:capabilities\`). What is asked for and not there is refused when the
session is created, with the reason and what would work. The suites run each declared ability on the real CLI, where that
runs without its vendor's service; the page of a backend says so where it does not.

In mode \`"session"\`, the default, one process serves the whole session; in mode \`"turn"\` each turn starts one of its own.
Files are uploaded by the library and work with every agent. Structured output is validated in any case: \`native\` agents
are given the schema, others are asked in words (\`prompted\`). There is no way yet to serve an agent tools from the host's
own process; MCP servers can be used instead.

${tables.join("\n\n")}
`;
  return format(text, { parser: "markdown", printWidth: 110 });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(capabilitiesPath, await capabilitiesPage());

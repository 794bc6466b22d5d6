import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/subpaths.ts";

interface Block {
  readonly page: string;
  /** Of the page, where the block's first line stands. */
  readonly line: number;
  readonly code: string;
}

const pages = [
  "README.md",
  ...readdirSync(`${repositoryRoot}docs`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const blocks = pages.flatMap((page): readonly Block[] => {
  const text = readFileSync(`${repositoryRoot}${page}`, "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code = "" }) => ({
    ...{ page, code },
    line: text.slice(0, index).split("\n").length + 1,
  }));
});

/** Where those stand that show a file of the repository, for what they import from beside it. */
const folders: { readonly [page: string]: readonly string[] } = {
  "docs/recording.md": ["scripts/record/scenarios", "test/unit/backends/documented"],
  "docs/writing-a-backend.md": ["test/conformance/backends", "test/conformance/backends"],
  "docs/writing-a-provider.md": ["test/conformance/providers", "test/conformance/providers"],
};

/** What a block that goes on with an earlier one, or with the reader's own program, takes for granted. */
const surroundings = Object.entries({
  box: 'import("playpen").SandboxAgent',
  session: 'import("playpen").Session',
  turn: 'import("playpen").Turn',
  sandbox: 'import("playpen").SandboxProvider',
  agent: 'import("playpen").AgentBackend',
  env: 'import("playpen").Environment',
  labels: 'import("playpen").Labels',
  permissions: 'import("playpen").PermissionPolicy',
  mcpServers: 'import("playpen").McpServers',
  onProgress: '(progress: import("playpen").Progress) => void',
  signal: "AbortSignal",
  cwd: "string",
  model: "string",
  systemPrompt: "string",
  apiKey: "string",
  token: "string",
  screenshot: "Uint8Array",
  log: "Uint8Array",
  error: "unknown",
  yourVendor: "(options: { readonly apiKey: string }) => never",
  SandboxAgent: 'typeof import("playpen").SandboxAgent',
  SandboxAgentError: 'typeof import("playpen").SandboxAgentError',
  SandboxPool: 'typeof import("playpen").SandboxPool',
  docker: 'typeof import("playpen/docker").docker',
  ...Object.fromEntries(
    ["claude", "codex", "droid", "opencode", "pi", "qwen"].map((name) => [
      name,
      `typeof import("playpen/${name}").${name}`,
    ]),
  ),
})
  .map(([name, type]) => `const ${name}: ${type};\n`)
  .join("");

const virtualFiles = new Map<string, Block | undefined>([
  [`${repositoryRoot}documented/surroundings.ts`, undefined],
]);
for (const block of blocks) {
  const before = blocks.filter(({ page, line }) => page === block.page && line < block.line).length;
  const folder = folders[block.page]?.[before] ?? "documented";
  const name = `${block.page.replaceAll("/", "-")}-${String(block.line)}.ts`;
  virtualFiles.set(`${repositoryRoot}${folder}/${name}`, block);
}

function contentOf(file: string): string | undefined {
  if (!virtualFiles.has(file)) return undefined;
  const block = virtualFiles.get(file);
  return block === undefined
    ? `export {};\ndeclare global {\n${surroundings}}\n`
    : `${block.code}\nexport {};\n`;
}

function problems(): ReadonlyMap<string, readonly string[]> {
  const path = `${repositoryRoot}tsconfig.json`;
  const config: unknown = ts.readConfigFile(path, (name) => ts.sys.readFile(name)).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path), {
    // The one strictness that is a matter of taste: `process.env.NAME` is how most programs have it.
    noPropertyAccessFromIndexSignature: false,
  });
  const disk = ts.createCompilerHost(options);
  const readFile = (file: string): string | undefined => contentOf(file) ?? disk.readFile(file);
  const host: ts.CompilerHost = {
    ...disk,
    readFile,
    fileExists: (file) => virtualFiles.has(file) || disk.fileExists(file),
    getSourceFile: (file, languageVersion) => {
      const text = readFile(file);
      return text === undefined ? undefined : ts.createSourceFile(file, text, languageVersion);
    },
  };
  const program = ts.createProgram([...virtualFiles.keys()], options, host);
  const found = new Map<string, string[]>();
  for (const [file, block] of virtualFiles) {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`${file} is not in the program`);
    const { page, line } = block ?? { page: "surroundings", line: 1 };
    const diagnostics = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    for (const { messageText, start = 0 } of diagnostics) {
      const at = line + source.getLineAndCharacterOfPosition(start).line;
      const text = `${page}:${String(at)}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      found.set(page, [...(found.get(page) ?? []), text]);
    }
  }
  return found;
}

describe("the code in the documentation", () => {
  const found = problems();

  it("is found", () => {
    expect(blocks.length).toBeGreaterThan(45);
    expect(found.get("surroundings")).toBeUndefined();
  });

  it.each([...new Set(blocks.map(({ page }) => page))])(
    "of %s compiles as it stands, in strict mode",
    (page) => {
      expect(found.get(page) ?? []).toEqual([]);
    },
  );
});

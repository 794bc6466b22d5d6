/** The page that tells what each provider's sandboxes can do, from what the providers declare. */
import { pathToFileURL } from "node:url";
import { format } from "prettier";
import type { SandboxAbility, SandboxCapabilities, SandboxProvider } from "../src/kit.ts";
import { repositoryRoot, subpaths } from "./subpaths.ts";

export const providersPath = `${repositoryRoot}docs/providers.md`;

/** What a provider asks for before it says anything. Nothing is connected to. */
const requiredOptions: { readonly [name: string]: object } = {
  cloudflare: { url: "https://bridge.example.com", token: "none" },
  computesdk: { compute: { sandbox: { create: unused, getById: unused, list: unused, destroy: unused } } },
  fly: { app: "none" },
  ssh: { host: "example.com", username: "root", hostKey: `SHA256:${"A".repeat(43)}` },
};

function unused(): void {
  throw new Error("Only what is declared is read.");
}

export interface DeclaredProvider {
  readonly name: string;
  readonly provider: SandboxProvider;
}

type Factory = (options: object) => SandboxProvider;

/** The providers of this package, by sub-path. */
export async function providers(): Promise<readonly DeclaredProvider[]> {
  const found = subpaths().filter(({ source }) => /^providers\/[^/]+\/index\.ts$/.test(source));
  return Promise.all(
    found.map(async ({ specifier, source }) => {
      const name = specifier.slice(specifier.indexOf("/") + 1);
      const exported = (await import(pathToFileURL(`${repositoryRoot}${source}`).href)) as {
        [key: string]: Factory;
      };
      const factory = exported[name];
      if (factory === undefined) throw new Error(`${source} does not export ${name}().`);
      return { name, provider: factory(requiredOptions[name] ?? {}) };
    }),
  );
}

type Part = Exclude<keyof SandboxCapabilities, "abilities" | "renewsExpiry">;

const parts: readonly (readonly [title: string, part: Part])[] = [
  ["isolation", "isolation"],
  ["standard input", "stdin"],
  ["signals", "signals"],
  ["users", "users"],
  ["files", "files"],
  ["back-pressure", "backpressure"],
  ["outlives its host", "detach"],
  ["ends with its host", "diesWithHost"],
];

const abilities: readonly (readonly [title: string, ability: SandboxAbility])[] = [
  ["snapshots", "snapshot"],
  ["pause and resume", "pause"],
  ["fork", "fork"],
  ["ports", "expose"],
  ["terminal", "terminal"],
  ["later end", "extend"],
  ["network policy", "network-policy"],
  ["metrics", "metrics"],
  ["watching files", "watch"],
];

/** The page as it has to be. */
export async function providersPage(): Promise<string> {
  const all = await providers();
  const table = (rows: readonly (readonly string[])[]): string => {
    const head = ["", ...all.map(({ name }) => `[${name}](providers/${name}.md)`)];
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
  };
  const say = (value: string): string => (value === "none" ? "–" : value);
  const does = (isAble: boolean): string => (isAble ? "✓" : "–");
  const text = `# What each provider's sandboxes can do

Generated from what the providers declare (\`npm run docs:capabilities\`). \`native\`: by the vendor; \`emulated\`: derived by the
library; –: not at all, and refused where it is asked for. The provider suite shows each on the real engine or, for clouds, on
a stand-in of their service; \`npm run test:cloud -- <provider>\` runs it on the real one.

${table(parts.map(([title, part]) => [title, ...all.map(({ provider }) => say(provider.capabilities[part]))]))}

Abilities that some have beside these; see [sandboxes](sandboxes.md#abilities):

${table(
  abilities.map(([title, ability]) => [
    title,
    ...all.map(({ provider }) => does(provider.capabilities.abilities?.includes(ability) === true)),
  ]),
)}
`;
  return format(text, { parser: "markdown", printWidth: 110 });
}

import { randomUUID } from "node:crypto";
import { SandboxAgentError } from "../../../errors/sandbox-agent-error.ts";
import type { Labels, SandboxInfo, SandboxProvider } from "../../../spec/sandbox.ts";
import { expectEqual, expectTrue, outcomeOf } from "../expectations.ts";
import type { ProviderRequirement } from "../requirement.ts";

export async function listed(provider: SandboxProvider, labels?: Labels): Promise<readonly SandboxInfo[]> {
  const found: SandboxInfo[] = [];
  for await (const info of provider.list(labels === undefined ? undefined : { labels })) found.push(info);
  return found;
}

export async function listedIds(provider: SandboxProvider, labels?: Labels): Promise<readonly string[]> {
  return (await listed(provider, labels)).map(({ id }) => id).sort();
}

export const sandboxRequirements: readonly ProviderRequirement[] = [
  {
    id: "sandbox.create",
    title: "creates a sandbox with an id, an absolute working directory and the labels given",
    async run(context) {
      const labels = { ...context.labels, "conformance.odd": "a=b, c/d: ü" };
      const sandbox = await context.create({ labels });
      const id = sandbox.id;
      expectTrue(id !== "", "id: expected a text, saw an empty one.");
      expectTrue(!id.startsWith(`${context.provider.name}/`), `id: expected none of the prefix, saw ${id}.`);
      expectTrue(sandbox.cwd.startsWith("/"), `cwd: expected an absolute path, saw ${sandbox.cwd}.`);
      for (const [name, value] of Object.entries(labels)) {
        expectEqual(sandbox.labels[name], value, `labels["${name}"] of the sandbox`);
      }
      expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "Output of the first process");
      expectEqual(sandbox.id, id, "id after the first process");
    },
  },
  {
    id: "sandbox.apart",
    title: "gives each sandbox an id and a working directory of its own, also when created at once",
    async run(context) {
      const sandboxes = await Promise.all(Array.from({ length: 4 }, () => context.create()));
      expectEqual(new Set(sandboxes.map(({ id }) => id)).size, 4, "Different ids of 4 sandboxes");
      await Promise.all(
        sandboxes.map((sandbox, index) => context.text(sandbox, `echo ${String(index)} > mine`)),
      );
      const contents = await Promise.all(sandboxes.map((sandbox) => context.text(sandbox, "cat mine")));
      expectEqual(contents, ["0\n", "1\n", "2\n", "3\n"], "What each sandbox has in its file `mine`");
    },
  },
  {
    id: "sandbox.cwd-given",
    title: "creates the working directory that was asked for, or refuses it with `unsupported`",
    async run(context) {
      const folder = `/tmp/conformance-${randomUUID()}`;
      const cwd = `${folder}/not there/yet`;
      const outcome = await outcomeOf(context.create({ cwd }));
      if (outcome.status === "rejected") {
        if (SandboxAgentError.is(outcome.reason, "unsupported")) return;
        throw outcome.reason;
      }
      try {
        expectEqual(outcome.value.cwd, cwd, "cwd of the sandbox");
        expectEqual(await context.text(outcome.value, "pwd"), `${cwd}\n`, "pwd of a process");
      } finally {
        // Without isolation the folder is the machine's own.
        await context.run(outcome.value, 'rm -rf "$1"', { args: [folder], cwd: "/" });
      }
    },
  },
  {
    id: "sandbox.list",
    title: "lists the sandboxes with their labels",
    async run(context) {
      const labels = { ...context.labels, "conformance.odd": "a=b, c/d: ü" };
      const before = Date.now();
      const sandbox = await context.create({ labels });
      for (const [filter, name] of [
        [context.labels, "list() by label"],
        [undefined, "list() without filter"],
      ] as const) {
        const info = (await listed(context.provider, filter)).find(({ id }) => id === sandbox.id);
        if (info === undefined) throw new Error(`${name}: expected ${sandbox.id} to be in it.`);
        expectEqual(info.running, true, `${name}: running`);
        for (const [label, value] of Object.entries(labels)) {
          expectEqual(info.labels[label], value, `${name}: labels["${label}"]`);
        }
        const dayMs = 86_400_000;
        const isPlausible = info.createdAt === undefined || Math.abs(info.createdAt - before) < dayMs;
        expectTrue(
          isPlausible,
          `${name}: expected createdAt in ms since 1970, saw ${String(info.createdAt)}.`,
        );
      }
    },
  },
  {
    id: "sandbox.list-filter",
    title: "lists those sandboxes only that have all labels of the filter, with equal values",
    async run(context) {
      const { provider, labels } = context;
      const red = await context.create({ labels: { ...labels, colour: "red", size: "1" } });
      const blue = await context.create({ labels: { ...labels, colour: "blue", size: "1" } });
      const ids = (filter: Labels): Promise<readonly string[]> =>
        listedIds(provider, { ...labels, ...filter });
      expectEqual(await ids({}), [red.id, blue.id].sort(), "list() by the common label");
      expectEqual(await ids({ colour: "red" }), [red.id], "list() of colour red");
      expectEqual(await ids({ size: "1" }), [red.id, blue.id].sort(), "list() of size 1");
      expectEqual(await ids({ colour: "red", size: "2" }), [], "list() of colour red and size 2");
      expectEqual(await ids({ colour: "re" }), [], "list() of a part of a value");
      expectEqual(await ids({ shape: "" }), [], "list() of a label that no sandbox has");
    },
  },
];

import type { SandboxCapabilities } from "../../../spec/sandbox.ts";
import { expectEqual, expectRejection, expectTrue } from "../expectations.ts";
import type { ProviderRequirement } from "../requirement.ts";

const supports = ["native", "emulated", "none"];
const legalCapabilities: {
  readonly [Name in Exclude<keyof SandboxCapabilities, "abilities" | "renewsExpiry">]: readonly string[];
} = {
  stdin: supports,
  signals: supports,
  users: supports,
  files: supports,
  detach: supports,
  diesWithHost: supports,
  backpressure: supports,
  isolation: ["container", "namespaces", "machine", "none"],
};

export const providerItselfRequirements: readonly ProviderRequirement[] = [
  {
    id: "provider.name",
    title: "has a name that can stand before the slash of an id",
    run({ provider }) {
      expectTrue(
        /^[a-z][a-z0-9-]*$/.test(provider.name),
        `name: expected small letters, digits and -, saw ${JSON.stringify(provider.name)}.`,
      );
      return Promise.resolve();
    },
  },
  {
    id: "provider.capabilities",
    title: "declares each capability with a legal value",
    run({ provider }) {
      const declared: { readonly [name: string]: unknown } = { ...provider.capabilities };
      for (const [name, legal] of Object.entries(legalCapabilities)) {
        const value = declared[name];
        expectTrue(
          typeof value === "string" && legal.includes(value),
          `capabilities.${name}: expected one of ${legal.join(", ")}, saw ${String(value)}.`,
        );
      }
      return Promise.resolve();
    },
  },
  {
    id: "provider.check",
    title: "says that it is available, where the suite can run at all",
    async run(context) {
      const availability = await context.within(context.provider.check(), "check()");
      if (!availability.available) {
        throw new Error(`check(): expected it to be available, saw: ${availability.reason}`);
      }
    },
  },
  {
    id: "provider.connect-unknown",
    title: "rejects connecting to an id that it does not know with sandbox_not_found",
    async run(context) {
      for (const id of ["no-such-sandbox", "../../etc", "", "0".repeat(64)]) {
        const what = `connect(${JSON.stringify(id)})`;
        const connected = context.provider.connect(id, { env: {} });
        const error = await context.within(expectRejection(connected, ["sandbox_not_found"], what), what);
        expectEqual(error.details.id, id, `${what}: details.id`);
      }
    },
  },
  {
    id: "provider.refuses-detach",
    title: "refuses detach with `unsupported` where it declares that it has none",
    async run(context) {
      if (context.provider.capabilities.detach !== "none") return;
      const sandbox = await context.create();
      const what = "detach() of a provider that declares none";
      await context.within(expectRejection(sandbox.detach({ ttlMs: 60_000 }), ["unsupported"], what), what);
      expectEqual(
        await context.text(sandbox, "echo alive"),
        "alive\n",
        "A process after the refused detach()",
      );
    },
  },
  {
    id: "provider.refuses-user",
    title: "refuses another user with `unsupported` where it declares that it has none",
    async run(context) {
      if (context.provider.capabilities.users !== "none") return;
      const sandbox = await context.create();
      const what = "spawn() as another user of a provider that declares none";
      const spawned = sandbox.spawn({ argv: ["/bin/sh", "-c", "true"], user: "65534:65534" });
      await context.within(expectRejection(spawned, ["unsupported"], what), what);
    },
  },
];

import type { SandboxProvider } from "playpen/kit";
import { describe, expect, it, onTestFinished } from "vitest";
import { ForeignHost } from "./host-of.ts";

/** A vendor's package, as the adapter asks for it. */
export interface NeededPackage {
  readonly name: string;
  readonly range: string;
  /** Versions that it must not take. */
  readonly others: readonly string[];
  /** Words that the error has, beside the usual ones. */
  readonly words?: string;
}

export interface OtherHostScene {
  /** The provider's function; its folder has the same name. */
  readonly name: string;
  /** What leads to the stand-in, as JSON can tell it. */
  readonly options: () => object;
  readonly env?: () => { readonly [name: string]: string };
  readonly provider: () => SandboxProvider;
  readonly packages: readonly NeededPackage[];
  /** How many sandboxes the stand-in has. */
  readonly count: () => number;
}

/** What a provider does in another program than the one that has created the sandbox. */
export function describeOtherHost(scene: OtherHostScene): void {
  const { name, packages } = scene;
  const source = `
    import { ${name} } from "@source/providers/${name}/index.ts";
    const { options, id } = JSON.parse(process.argv[2]);
    try {
      const provider = ${name}(options);
      const sandbox = await (id === undefined
        ? provider.create({ env: {}, labels: {} })
        : provider.connect(id, { env: {} }));
      console.log(JSON.stringify({ labels: sandbox.labels, kept: await sandbox.files.readText("kept") }));
      await sandbox.destroy();
    } catch (error) {
      console.log(JSON.stringify({ code: error.code, details: error.details, message: error.message }));
    }`;
  const compiled = async (): Promise<ForeignHost> => {
    const host = await ForeignHost.compile(
      source,
      packages.map((each) => each.name),
    );
    onTestFinished(() => host.dispose());
    return host;
  };
  const run = async (host: ForeignHost, id?: string): Promise<unknown> =>
    JSON.parse(await host.run({ options: scene.options(), id }, scene.env?.()));

  describe("another host", () => {
    it("connects to a sandbox that was let go of, with its labels, and ends it", async () => {
      const labels = { kind: "ü = 1 / 2 & more" };
      const sandbox = await scene.provider().create({ env: {}, labels });
      await sandbox.files.write("kept", "by the first host");
      await sandbox.detach({ ttlMs: 60_000 });
      const host = await compiled();
      for (const each of packages) await host.link(each.name);
      expect(await run(host, sandbox.id)).toMatchObject({ labels, kept: "by the first host" });
      expect(scene.count()).toBe(0);
    });

    for (const [index, { name: needed, range, others, words = "" }] of packages.entries()) {
      it(`is told that it needs ${needed}, where there is none or another version`, async () => {
        const host = await compiled();
        for (const each of packages.slice(0, index)) await host.link(each.name);
        const error = {
          code: "dependency_missing",
          details: { package: needed, version: range, install: `npm install ${needed}@${range}` },
        };
        const missing = await run(host);
        expect(missing).toMatchObject(error);
        expect(missing).toMatchObject({ message: expect.stringContaining("it is not installed") as unknown });
        expect(missing).toMatchObject({ message: expect.stringContaining(words) as unknown });
        for (const version of others) {
          await host.install(needed, version);
          const found = `version ${version} of it is installed`;
          const other = await run(host);
          expect(other).toMatchObject(error);
          expect(other).toMatchObject({ message: expect.stringContaining(found) as unknown });
        }
      });
    }
  });
}

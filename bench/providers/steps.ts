/** Creates, uses and removes sandboxes of one provider by turns, through the library and by the vendor's bare client. */
import { report } from "../kit/report.ts";
import { cloudflarePlace } from "./bare/cloudflare.ts";
import { computesdkPlace } from "./bare/computesdk.ts";
import { dockerPlace, podmanPlace } from "./bare/containers.ts";
import { daytonaPlace } from "./bare/daytona.ts";
import { e2bPlace } from "./bare/e2b.ts";
import { flyPlace } from "./bare/fly.ts";
import { kubernetesPlace } from "./bare/kubernetes.ts";
import { modalPlace } from "./bare/modal.ts";
import { spritesPlace } from "./bare/sprites.ts";
import { sshPlace } from "./bare/ssh.ts";
import { vercelPlace } from "./bare/vercel.ts";
import { type BareSandbox, type Place, words } from "./place.ts";
import { placeNames, steps } from "./names.ts";

const places: { readonly [Name in (typeof placeNames)[number]]: () => Promise<Place> } = {
  docker: dockerPlace,
  podman: podmanPlace,
  ssh: sshPlace,
  kubernetes: kubernetesPlace,
  e2b: e2bPlace,
  daytona: daytonaPlace,
  vercel: vercelPlace,
  sprites: spritesPlace,
  modal: modalPlace,
  cloudflare: cloudflarePlace,
  fly: flyPlace,
  computesdk: computesdkPlace,
};

const warmUpRounds = 2;
const [name = "", rounds = ""] = process.argv.slice(2);
const known = placeNames.find((each) => each === name);
if (known === undefined) throw new TypeError(`There is no place ${JSON.stringify(name)}.`);
const place = await places[known]();

/** One sandbox through the library, as the bare client has them. */
async function ours(): Promise<BareSandbox> {
  const sandbox = await place.provider.create({ env: {}, labels: {} });
  return {
    async run(onFirstByte) {
      const process = await sandbox.spawn({ argv: [...words], stdin: "ignore" });
      for await (const _chunk of process.stdout) onFirstByte();
      await process.exited;
    },
    destroy: () => sandbox.destroy(),
  };
}

async function measure(create: () => Promise<BareSandbox>): Promise<readonly number[]> {
  const createdAt = performance.now();
  const sandbox = await create();
  const startedAt = performance.now();
  let firstByteAt: number | undefined;
  await sandbox.run(() => (firstByteAt ??= performance.now()));
  const endedAt = performance.now();
  await sandbox.destroy();
  return [
    startedAt - createdAt,
    (firstByteAt ?? endedAt) - startedAt,
    endedAt - startedAt,
    performance.now() - endedAt,
  ];
}

const series: { [name: string]: number[] } = {};
for (let round = -warmUpRounds; round < Number(rounds); round += 1) {
  for (const [side, create] of [["floor", place.create] as const, ["subject", ours] as const]) {
    const figures = await measure(create);
    if (round < 0) continue;
    for (const [index, step] of steps.entries())
      (series[`${side} ${step}`] ??= []).push(figures[index] ?? NaN);
  }
}
await place.stop();
report({ series });
// A client may keep connections that it does not end.
process.exit(0);

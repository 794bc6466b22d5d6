/** Creates and removes containers by turns, through the library and with nothing but the engine's client. */
import Docker from "dockerode";
import { SandboxAgent } from "playpen";
import { docker } from "playpen/docker";
import { bareImage } from "../kit/places.ts";
import { processorTimeMs, report } from "../kit/report.ts";
import { bareContainerOptions } from "../turns/bare-places.ts";

const rounds = Number(process.argv[2]);
const warmUpRounds = 2;
const image = bareImage();
const engine = new Docker();
const provider = docker({ image, pull: "never" });

const series = {
  floorStart: [] as number[],
  subjectStart: [] as number[],
  floorEnd: [] as number[],
  subjectEnd: [] as number[],
  floorProcessor: [] as number[],
  subjectProcessor: [] as number[],
};
async function timed<Value>(into: number[], isKept: boolean, work: () => Promise<Value>): Promise<Value> {
  const startedAt = performance.now();
  const value = await work();
  if (isKept) into.push(performance.now() - startedAt);
  return value;
}

for (let round = -warmUpRounds; round < rounds; round += 1) {
  const isKept = round >= 0;
  const beforeFloor = process.cpuUsage();
  const container = await timed(series.floorStart, isKept, async () => {
    const created = await engine.createContainer(bareContainerOptions(image));
    await created.start();
    return created;
  });
  await timed(series.floorEnd, isKept, () => container.remove({ force: true }));
  const floorMs = processorTimeMs(beforeFloor);
  const beforeSubject = process.cpuUsage();
  const box = await timed(series.subjectStart, isKept, () => SandboxAgent.start({ sandbox: provider }));
  await timed(series.subjectEnd, isKept, () => box.destroy());
  const subjectMs = processorTimeMs(beforeSubject);
  if (!isKept) continue;
  series.floorProcessor.push(floorMs);
  series.subjectProcessor.push(subjectMs);
}
report({ series });

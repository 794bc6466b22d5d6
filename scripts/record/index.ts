/**
 * Records what a real CLI says, for the tests of its backend:
 *
 *     npm run record -- <backend> [--cli PATH] [--to FOLDER] [scenario…]
 *
 * docs/recording.md tells how.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import type { AgentBackend, CliRecipe } from "../../src/kit.ts";
import { startModelServer } from "../../src/testing/model-server/index.ts";
import { hostCliDirectory } from "../../test/image/paths.ts";
import { repositoryRoot } from "../subpaths.ts";
import { Recorder } from "./recorder.ts";
import type { Recording } from "./scenario.ts";
import { writeTranscript } from "./transcript.ts";

/** Not the system's temporary folder: Codex's own sandbox fails when its home lies there. */
const recordingsFolder = "/var/tmp/playpen-record";

const { values, positionals } = parseArgs({
  options: { cli: { type: "string" }, to: { type: "string" } },
  allowPositionals: true,
});
const [backend = "", ...wanted] = positionals;
const recording = await recordingOf(backend);
const { scenarios } = recording;
const unknown = wanted.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  const known = scenarios.map(({ name }) => name).join(", ");
  throw new Error(`There is no scenario ${unknown.join(", ")} of ${backend}. There are: ${known}.`);
}

const target = values.to ?? `${repositoryRoot}test/transcripts/${backend}`;
mkdirSync(target, { recursive: true });
for (const scenario of scenarios) {
  const { name, model, apiKey } = scenario;
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await using server = await startModelServer({
    ...(model === undefined ? {} : { scenario: model }),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const executable = executableOf(scenario.replayed);
  const version = versionOf(executable, scenario.replayed.cli);
  const folder = `${recordingsFolder}/${backend}/${name}`;
  const recorder = new Recorder({ scenario, executable, version, modelUrl: server.url, folder });
  try {
    await scenario.run(recorder);
    writeTranscript(`${target}/${name}.jsonl`, recorder.transcript);
    console.log(`recorded ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`failed ${name}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await recorder.dispose();
  }
}
rmSync(`${recordingsFolder}/${backend}`, { recursive: true, force: true });

async function recordingOf(name: string): Promise<Recording> {
  const folder = new URL("scenarios/", import.meta.url);
  const known = readdirSync(folder).flatMap((file) => /^(.+)\.ts$/.exec(file)?.[1] ?? []);
  if (!known.includes(name)) {
    throw new Error(`Usage: npm run record -- <${known.join("|")}> [--cli PATH] [--to FOLDER] [scenario…]`);
  }
  const module = (await import(new URL(`${name}.ts`, folder).href)) as { readonly default: Recording };
  return module.default;
}

/** The native binary where there is one: it ends with the signal that its launcher would keep to itself. */
function executableOf({ cli, command }: AgentBackend): string {
  const named = values.cli ?? dirname(hostCliDirectory());
  if (!statSync(named).isDirectory()) return named;
  const paths = command === undefined ? cli.executables : [`.bin/${command[0]}`];
  const found = paths.find((path) => existsSync(`${named}/${path}`));
  if (found === undefined) {
    throw new Error(`${command?.[0] ?? cli.command} is not in ${named}: run scripts/build-test-image.sh.`);
  }
  return `${named}/${found}`;
}

function versionOf(path: string, { versionArguments }: CliRecipe): string {
  // Some print it to standard error.
  const { stdout, stderr } = spawnSync(path, versionArguments, { encoding: "utf8", timeout: 30_000 });
  const printed = `${stdout}${stderr}`;
  const version = /\d+\.\d+\.\d+(?:[-.]\w+)*/.exec(printed)?.[0];
  if (version === undefined) throw new Error(`${path} does not tell its version, but: ${printed}`);
  return version;
}

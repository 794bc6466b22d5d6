/**
 * Records what the real Codex says, for the tests of the backend:
 *
 *     npx tsx scripts/record/codex.ts [--cli PATH] [scenario…]
 *
 * Each scenario runs against a model server of this repository's own, on the loopback interface, in a temporary folder,
 * and becomes a file in test/transcripts/codex. Without names, all are recorded. The CLI is the one that
 * scripts/build-test-image.sh installs, unless `--cli` names another.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { codex } from "../../backends/codex/index.ts";
import { startModelServer } from "../../src/testing/model-server/index.ts";
import { hostCliDirectory } from "../../test/image/paths.ts";
import { repositoryRoot } from "../subpaths.ts";
import { CodexRecorder } from "./codex-recorder.ts";
import { codexScenarios } from "./codex-scenarios.ts";
import { writeTranscript } from "./codex-transcript.ts";

const target = `${repositoryRoot}test/transcripts/codex`;
/** Not the system's temporary folder: Codex's own sandbox fails when its home lies there. */
const folder = "/var/tmp/playpen-record-codex";

const { values, positionals } = parseArgs({
  options: { cli: { type: "string" } },
  allowPositionals: true,
});
const executable = values.cli ?? installedCli();
const version = execFileSync(executable, ["--version"], { encoding: "utf8" }).trim().split(" ").at(-1) ?? "";
const unknown = positionals.filter((name) => !codexScenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(", ")}.`);

mkdirSync(target, { recursive: true });
for (const scenario of codexScenarios) {
  const { name, about, options = {}, input = {}, withEcho = false, apiKey, run } = scenario;
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  await using server = await startModelServer(apiKey === undefined ? {} : { apiKey });
  const recorder = new CodexRecorder({
    executable,
    version,
    modelUrl: server.url,
    folder: `${folder}/${name}`,
    scenario: name,
    about,
    options,
    input,
    withEcho,
  });
  try {
    await run(recorder);
    writeFileSync(`${target}/${name}.jsonl`, writeTranscript(recorder.transcript));
    console.log(`recorded ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`failed ${name}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await recorder.dispose();
  }
}

/** The native binary where it is there: it ends with the signal that its launcher would keep to itself. */
function installedCli(): string {
  const modules = dirname(hostCliDirectory());
  const found = codex().cli.executables.find((path) => existsSync(`${modules}/${path}`));
  if (found === undefined) throw new Error("Codex is not installed: run scripts/build-test-image.sh.");
  return `${modules}/${found}`;
}

/**
 * Records what the real Claude Code says, for the tests of the backend:
 *
 *     npx tsx scripts/record/claude.ts [--cli PATH] [scenario…]
 *
 * Each scenario runs against a model server of this repository's own, on the loopback interface, in a temporary folder,
 * and becomes a file in test/transcripts/claude. Without names, all are recorded. The CLI is the one that
 * scripts/build-test-image.sh installs, unless `--cli` names another.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { startModelServer } from "../../src/testing/model-server/index.ts";
import { hostCliDirectory } from "../../test/image/paths.ts";
import { repositoryRoot } from "../subpaths.ts";
import { answerScenarios } from "./claude/answers.ts";
import { failureScenarios } from "./claude/failures.ts";
import { interruptScenarios } from "./claude/interrupts.ts";
import { permissionScenarios } from "./claude/permissions.ts";
import { processScenarios } from "./claude/processes.ts";
import { ClaudeRecorder } from "./claude/recorder.ts";
import { toolScenarios } from "./claude/tools.ts";
import { writeTranscript } from "./claude/transcript.ts";

const scenarios = [
  ...answerScenarios,
  ...toolScenarios,
  ...permissionScenarios,
  ...interruptScenarios,
  ...failureScenarios,
  ...processScenarios,
];

const target = `${repositoryRoot}test/transcripts/claude`;

const { values, positionals } = parseArgs({
  options: { cli: { type: "string" } },
  allowPositionals: true,
});
const executable = values.cli ?? `${hostCliDirectory()}/claude`;
const version = execFileSync(executable, ["--version"], { encoding: "utf8" }).trim().split(" ")[0] ?? "";
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(", ")}.`);

mkdirSync(target, { recursive: true });
for (const scenario of scenarios) {
  const { name, about, options = {}, input = {}, model, run } = scenario;
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  await using server = await startModelServer(model === undefined ? {} : { scenario: model });
  const folder = `${tmpdir()}/playpen-record-claude/${name}`;
  const recorder = new ClaudeRecorder({
    executable,
    version,
    modelUrl: server.url,
    folder,
    scenario: name,
    about,
    options,
    input,
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

import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { repositoryRoot, subpaths } from "./scripts/subpaths.ts";
import { isEverythingWanted } from "./test/image/wanted.ts";

interface ProjectOptions {
  readonly testTimeoutMs: number;
  /** Projects with a lower number run first. */
  readonly order: number;
  /** Whether its tests start real programs, and so may leave something behind. */
  readonly startsPrograms?: boolean;
  /** How many files run at a time. Default: one less than there are processors. */
  readonly maxWorkers?: number;
  /** Files that only `npm run test:all` runs, since others show the same. */
  readonly longTail?: readonly string[];
}

function project(name: string, options: ProjectOptions): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      exclude: isEverythingWanted ? [] : [...(options.longTail ?? [])],
      testTimeout: options.testTimeoutMs,
      hookTimeout: options.testTimeoutMs,
      sequence: { groupOrder: options.order },
      ...(options.maxWorkers === undefined ? {} : { maxWorkers: options.maxWorkers }),
      ...(options.startsPrograms === true ? { globalSetup: ["test/image/clean-machine.ts"] } : {}),
    },
  };
}

const minuteMs = 60_000;
/** These tests wait for other programs for much of their time. */
const waiting = { startsPrograms: true, maxWorkers: 3 };
/** The files that take the longest, which are not to be the last to begin. */
const longest = ["waiting.test.ts", "opencode.test.ts", "abilities.test.ts", "smoke.test.ts", "pool.test.ts"];

class LongestFirst extends BaseSequencer {
  public override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = (file: TestSpecification, name: string): boolean => file.moduleId.endsWith(`/${name}`);
    return [
      ...longest.flatMap((name) => sorted.filter((file) => isLong(file, name))),
      ...sorted.filter((file) => !longest.some((name) => isLong(file, name))),
    ];
  }
}

export default defineConfig({
  resolve: {
    // Tests import the package by its public names, and get the sources.
    alias: subpaths().map(({ specifier, source }) => ({
      find: new RegExp(`^${specifier}$`),
      replacement: `${repositoryRoot}${source}`,
    })),
  },
  test: {
    pool: "forks",
    retry: 0,
    sequence: { sequencer: LongestFirst },
    teardownTimeout: minuteMs,
    projects: [
      project("unit", { order: 0, testTimeoutMs: minuteMs / 2 }),
      project("property", { order: 1, testTimeoutMs: 2 * minuteMs }),
      project("gate", { order: 2, testTimeoutMs: 4 * minuteMs }),
      project("conformance", {
        order: 3,
        testTimeoutMs: 2 * minuteMs,
        ...waiting,
        longTail: [
          // Three imagined vendors, which lack what some of the real ones lack.
          "test/conformance/providers/derived.test.ts",
          // Agents whose own CLIs and protocols the other suites drive; they take a gigabyte to install.
          "test/conformance/backends/acp-adapters.test.ts",
        ],
      }),
      project("integration", { order: 4, testTimeoutMs: 3 * minuteMs, ...waiting }),
      project("examples", { order: 5, testTimeoutMs: 3 * minuteMs, startsPrograms: true }),
      // Costs money: only by `npm run test:cloud`.
      ...(process.env["PLAYPEN_CLOUD"] === undefined
        ? []
        : [project("cloud", { order: 6, testTimeoutMs: minuteMs })]),
    ],
  },
});

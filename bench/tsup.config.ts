import { defineConfig } from "tsup";

/**
 * Builds the benchmarks into .cache/bench. The library is left out of the bundles: they import it by its public names
 * and so measure the built package, as users get it.
 */
export default defineConfig({
  entry: {
    run: "bench/run.ts",
    "claude-lines": "bench/claude-lines/program.ts",
    lines: "bench/lines/program.ts",
    "throughput-floor": "bench/throughput/floor.ts",
    "throughput-playpen": "bench/throughput/playpen.ts",
    "model-server": "bench/turns/model-server.ts",
    "warm-turns": "bench/turns/warm-turns.ts",
    "whole-turns": "bench/turns/whole-turns.ts",
    containers: "bench/docker/containers.ts",
    "provider-steps": "bench/providers/steps.ts",
    "pool-takes": "bench/pool/takes.ts",
    "session-memory": "bench/sessions/session-memory.ts",
    "event-latency": "bench/sessions/event-latency.ts",
    "event-cost": "bench/sessions/event-cost.ts",
  },
  outDir: ".cache/bench",
  format: "esm",
  target: "node20",
  platform: "node",
  splitting: true,
  sourcemap: true,
  clean: true,
  silent: true,
  external: [/^playpen(\/|$)/, /^[^./]/],
});

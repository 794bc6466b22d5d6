import { describe, expect, it } from "vitest";
import { metricsOf } from "../../../../providers/container-engine/container-metrics.ts";

describe("metricsOf", () => {
  it("counts processors, and memory without what the kernel gives up when it is wanted", () => {
    const stats = {
      cpu_stats: { cpu_usage: { total_usage: 3000 }, system_cpu_usage: 20_000, online_cpus: 4 },
      precpu_stats: { cpu_usage: { total_usage: 1000 }, system_cpu_usage: 16_000 },
      memory_stats: { usage: 100, limit: 1000, stats: { inactive_file: 30 } },
      pids_stats: { current: 5 },
    };
    expect(metricsOf(stats)).toEqual({ cpus: 2, memoryBytes: 70, memoryLimitBytes: 1000, processes: 5 });
    const older = { ...stats, memory_stats: { usage: 100, limit: 1000, stats: { total_inactive_file: 40 } } };
    expect(metricsOf(older).memoryBytes).toBe(60);
  });

  it.each([undefined, null, {}, { cpu_stats: 5, memory_stats: "much" }, { cpu_stats: {}, precpu_stats: {} }])(
    "leaves out what it is not told: %j",
    (stats) => {
      expect(metricsOf(stats)).toEqual({});
    },
  );

  it("does not divide by no time", () => {
    const look = { cpu_usage: { total_usage: 1 }, system_cpu_usage: 5 };
    expect(metricsOf({ cpu_stats: look, precpu_stats: look })).toEqual({});
  });
});

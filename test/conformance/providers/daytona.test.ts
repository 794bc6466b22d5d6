import { daytona } from "playpen/daytona";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { StandInDaytona } from "../../stand-ins/daytona/index.ts";

// The vendor counts in minutes, which nobody waits for here.
const cloud = new StandInDaytona({ minuteMs: 2000 });
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());

// A process takes many requests, each of which is several processes here.
const patienceMs = 40_000;
describeProviderConformance({ describe, it }, { create: () => daytona(cloud.options), patienceMs });

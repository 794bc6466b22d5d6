import { e2b } from "playpen/e2b";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { StandInE2b } from "../../stand-ins/e2b/index.ts";

const cloud = new StandInE2b();
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());

describeProviderConformance({ describe, it }, { create: () => e2b(cloud.options) });

import { computesdk } from "playpen/computesdk";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { startComputesdk } from "../../stand-ins/computesdk/index.ts";

const standIn = startComputesdk();
afterAll(() => standIn.stop());

describeProviderConformance({ describe, it }, { create: () => computesdk({ compute: standIn.compute }) });

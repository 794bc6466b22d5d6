import { fly } from "playpen/fly";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { startFly } from "../../stand-ins/fly/index.ts";

// The suite asks for a provider when its tests are registered.
const standIn = await startFly();
afterAll(() => standIn.stop());

describeProviderConformance(
  { describe, it },
  {
    create: () => fly({ baseUrl: standIn.url, token: standIn.token, app: standIn.app }),
  },
);

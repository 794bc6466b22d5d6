import { sprites } from "playpen/sprites";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { startSprites } from "../../stand-ins/sprites/index.ts";

// The suite asks for a provider when its tests are registered.
const standIn = await startSprites();
afterAll(() => standIn.stop());

describeProviderConformance(
  { describe, it },
  {
    create: () => sprites({ baseUrl: standIn.url, token: standIn.token }),
  },
);

import { cloudflare } from "playpen/cloudflare";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { startCloudflare } from "../../stand-ins/cloudflare/index.ts";

// The suite asks for a provider when its tests are registered.
const standIn = await startCloudflare();
afterAll(() => standIn.stop());

describeProviderConformance(
  { describe, it },
  { create: () => cloudflare({ url: standIn.url, token: standIn.token }) },
);

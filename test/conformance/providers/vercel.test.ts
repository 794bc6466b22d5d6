import { describeProviderConformance } from "playpen/testing";
import { vercel } from "playpen/vercel";
import { afterAll, describe, it } from "vitest";
import { startVercel } from "../../stand-ins/vercel/index.ts";

// The suite asks for a provider when its tests are registered.
const standIn = await startVercel();
afterAll(() => standIn.stop());

const { url: baseUrl, token, teamId, projectId } = standIn;
describeProviderConformance(
  { describe, it },
  { create: () => vercel({ baseUrl, token, teamId, projectId }) },
);

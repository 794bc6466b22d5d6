import { modal } from "playpen/modal";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { startModal } from "../../stand-ins/modal/index.ts";

const service = await startModal();
// The only way to tell the vendor's client where the service is.
process.env["MODAL_SERVER_URL"] = service.url;
afterAll(() => service.stop());

describe("modal, with a stand-in for the service", () => {
  const { tokenId, tokenSecret } = service;
  describeProviderConformance(
    { describe, it },
    {
      create: () => modal({ tokenId, tokenSecret }),
      skip: {
        "files.download-large": "an output does not wait for its reader (backpressure: none)",
      },
    },
  );
});

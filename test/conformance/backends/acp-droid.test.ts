import { describe, it } from "vitest";
import { local } from "playpen/local";
import { backendRequirements, describeBackendConformance } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { acpBackend } from "../../integration/agents/scenes/acp.ts";

const keptOutput = "the CLI shows a terminal of its own, and keeps to itself what a command printed there";

/**
 * What this CLI fulfils one time and another time not: it takes the prompt before it has reached an MCP server, and may
 * end the turn behind an interrupted tool without a word. Of the others, it asks the API for long minutes.
 */
const left = ["mcp.tool", "interrupt.tool", "failure.429", "failure.500", "failure.dropped"];

describeWith(["host-clis"], "acp-droid", () => {
  describeBackendConformance(
    { describe, it },
    {
      backend: ({ url, apiKey }) =>
        acpBackend("droid", { url, key: apiKey, command: `${hostCliDirectory()}/droid` }),
      sandbox: () => local({ isolation: "none" }),
      only: backendRequirements.map(({ id }) => id).filter((id) => !left.includes(id)),
      knownFailures: {
        "tool.result": keptOutput,
        "tool.failure": keptOutput,
        "tool.row": keptOutput,
        "tool.environment": keptOutput,
        "image.shown": "the CLI sends no image to a model that its settings describe",
      },
    },
  );
});

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../../scripts/subpaths.ts";
import { remedies } from "../../../src/errors/remedies.ts";
import { labelNames } from "../../../src/sandbox/labels.ts";
import { libraryVersion } from "../../../src/version.ts";
import { readJsonFile } from "../../../scripts/json-file.ts";

/** Frozen: removing or renaming one breaks programs that look at it. */
const codes = [
  "agent_error",
  "agent_exited",
  "authentication_failed",
  "budget_exceeded",
  "cli_install_failed",
  "cli_missing",
  "context_too_long",
  "credential_missing",
  "dependency_missing",
  "events_lagged",
  "exec_timeout",
  "file_failed",
  "image_unavailable",
  "model_error",
  "model_not_found",
  "model_overloaded",
  "network_error",
  "output_invalid",
  "output_too_large",
  "pool_closed",
  "pool_timeout",
  "protocol_error",
  "provider_authentication_failed",
  "provider_failed",
  "provider_rate_limited",
  "provider_unavailable",
  "rate_limited",
  "sandbox_closed",
  "sandbox_create_failed",
  "sandbox_lost",
  "sandbox_not_found",
  "session_closed",
  "session_start_failed",
  "setup_failed",
  "spawn_failed",
  "turn_interrupted",
  "turn_timeout",
  "unsupported",
];

it("has these error codes, each with a remedy and a heading in the troubleshooting page", () => {
  expect(Object.keys(remedies).sort()).toEqual(codes);
  const page = readFileSync(`${repositoryRoot}docs/troubleshooting.md`, "utf8");
  const headings = [...page.matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
  expect(headings.sort()).toEqual(codes);
});

it("labels sandboxes with these names", () => {
  expect(labelNames).toEqual({
    owner: "playpen.owner",
    createdAt: "playpen.created-at",
    version: "playpen.version",
    expiresAt: "playpen.expires-at",
  });
});

it("tells the version of its manifest", () => {
  expect(libraryVersion).toBe(readJsonFile(`${repositoryRoot}package.json`)["version"]);
});

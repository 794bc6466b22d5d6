import { randomUUID } from "node:crypto";
import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import type { ErrorCode } from "../../../spec/errors.ts";
import { type BackendRequirement, eventsOf } from "../requirement.ts";

// CLIs that try again heed the header, and so come to their end sooner.
export const failureRequirements: readonly BackendRequirement[] = [
  refusal("failure.401", "!status 401 invalid key", "authentication_failed", 401),
  refusal("failure.429", "!status 429 retry-after 1 slow down", "rate_limited", 429),
  refusal("failure.500", "!status 500 retry-after 1 internal error", "model_error", 500),
  {
    id: "failure.dropped",
    title: "fails a turn whose connection to the model breaks",
    async run(context) {
      const session = await context.session();
      const { result } = await context.play(session, "!drop");
      expectEqual(result.status, "failed", "The status of the turn");
      const code = result.error?.code ?? "";
      expectTrue(
        code === "network_error" || code === "model_error",
        `Expected network_error or model_error, saw ${code}: ${result.error?.message ?? ""}`,
      );
    },
  },
  {
    id: "failure.recovers",
    title: "goes on with the session after a failed turn",
    async run(context) {
      const session = await context.session();
      await context.complete(session, "!text Remember the number 4711.");
      const { result } = await context.play(session, "!status 400 That is no request.");
      expectEqual(result.status, "failed", "The status of the turn");
      const recalled = await context.complete(session, "!recall");
      expectTrue(recalled.result.text.includes("4711"), `Expected the past, saw ${recalled.result.text}`);
    },
  },
  {
    id: "failure.killed",
    title: "fails a turn in whose middle the CLI is killed, and the next turn is good",
    async run(context) {
      const mark = randomUUID();
      const session = await context.session({ env: { CONFORMANCE_MARK: mark } });
      await context.complete(session, "!text One.");
      const turn = context.begin(session, "!shell touch began; sleep 600\n!text Never said.");
      await context.shell("until [ -e began ]; do sleep 0.05; done");
      await context.shell(killFirst(mark));
      const { status, error } = await context.within(Promise.resolve(turn), "the end of the turn");
      expectEqual({ status, code: error?.code }, { status: "failed", code: "agent_exited" }, "The turn");
      const { result } = await context.complete(session, "!text New.");
      expectEqual(result.text, "New.", "The text of the next turn");
      const ends = eventsOf(await context.close(session), "turn.failed").map(({ turnId }) => turnId);
      expectEqual(ends, [turn.id], "The turns that failed");
    },
  },
];

function refusal(id: string, prompt: string, code: ErrorCode, status: number): BackendRequirement {
  return {
    id,
    title: `fails a turn with ${code} when the model's API answers ${String(status)}`,
    async run(context) {
      const session = await context.session();
      const { result } = await context.play(session, prompt);
      const { error } = result;
      expectEqual(result.status, "failed", "The status of the turn");
      expectEqual(error?.code, code, `The code of the error (${error?.message ?? "none"})`);
      if (error?.status !== undefined) expectEqual(error.status, status, "The HTTP status of the error");
      const { result: next } = await context.complete(session, "!text Better.");
      expectEqual(next.text, "Better.", "The text of the next turn");
    },
  };
}

/** Kills the one process among those with this variable that was started by none of them: the CLI. */
function killFirst(mark: string): string {
  return `
for file in $(grep -lsaF -- "${mark}" /proc/[0-9]*/environ); do
  pid=\${file#/proc/}
  pid=\${pid%/environ}
  { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || continue
  set -- \${stat##*) }
  grep -qsaF -- "${mark}" "/proc/$2/environ" || kill -KILL "$pid"
done`;
}

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Session } from "../../../session/session.ts";
import { directiveScenario } from "../../model-server/index.ts";
import { expectEqual } from "../../provider-conformance/expectations.ts";
import type { BackendContext, BackendRequirement } from "../requirement.ts";

const right = { answer: 42 };
const wrong = { answer: "none" };

export const outputRequirements: readonly BackendRequirement[] = [
  {
    id: "output.structured",
    title: "gives an output of the shape that the host asked for",
    async run(context) {
      const session = await context.session();
      context.follow(() => [{ type: "json", value: right }]);
      await expectOutput(context, session);
    },
  },
  {
    id: "output.repaired",
    title: "asks again for an output that has not the shape",
    async run(context) {
      const session = await context.session();
      let prompts: number | undefined;
      context.follow((request) => {
        prompts ??= request.prompts.length;
        if (request.prompts.length > prompts) return [{ type: "json", value: right }];
        // A CLI that has a tool for the answer asks again behind that tool's result.
        const again = request.toolResults > 0 ? [{ type: "json", value: right } as const] : [];
        return [{ type: "json", value: wrong }, ...again];
      });
      await expectOutput(context, session);
    },
  },
  {
    id: "output.words-again",
    title: "answers in words again in the next turn",
    async run(context) {
      const session = await context.session();
      context.follow(() => [{ type: "json", value: right }]);
      await expectOutput(context, session);
      context.follow(directiveScenario);
      const { result } = await context.complete(session, "!text In words.");
      expectEqual(result.text, "In words.", "The text of the turn");
      expectEqual(result.output, undefined, "The output of a turn that was asked for none");
    },
  },
];

async function expectOutput(context: BackendContext, session: Session): Promise<void> {
  const turn = session.prompt("The answer, please.", { schema, jsonSchema, reject: false });
  const { status, output, error } = await context.within(Promise.resolve(turn), "the end of the turn");
  expectEqual(status, "completed", `The status of the turn (${error?.message ?? "no error"})`);
  expectEqual<unknown>(output, right, "The output");
}

const jsonSchema = {
  type: "object",
  properties: { answer: { type: "integer" } },
  required: ["answer"],
  additionalProperties: false,
} as const;

const schema: StandardSchemaV1<unknown, { readonly answer: number }> = {
  "~standard": {
    version: 1,
    vendor: "conformance",
    validate: (value) =>
      typeof value === "object" && value !== null && "answer" in value && typeof value.answer === "number"
        ? { value: { answer: value.answer } }
        : { issues: [{ message: "Expected a number.", path: ["answer"] }] },
  },
};

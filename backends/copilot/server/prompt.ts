import {
  isJsonObject,
  arrayField,
  stringField,
  type AgentContentPart,
  type JsonObject,
  type PlanEntry,
  type TurnInput,
} from "../../../src/kit.ts";

/** A prompt as the server takes it. */
export function promptParams(content: readonly AgentContentPart[]): {
  prompt: string;
  attachments?: JsonObject[];
} {
  const prompt = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
  const attachments = content.flatMap((part, index): JsonObject[] =>
    part.type === "text"
      ? []
      : [
          {
            type: "blob",
            data: Buffer.from(part.data).toString("base64"),
            mimeType: part.mediaType,
            displayName: `image-${String(index + 1)}.${part.mediaType.replace("image/", "")}`,
          },
        ],
  );
  return attachments.length === 0 ? { prompt } : { prompt, attachments };
}

export function responseFormat({ outputSchema }: TurnInput): JsonObject {
  if (outputSchema === undefined) return {};
  // Strict would refuse schemas that have a member which may be left out; what comes is checked anyway.
  const jsonSchema = { name: "output", strict: false, schema: outputSchema };
  return { responseFormat: { type: "json_schema", jsonSchema } };
}

const statuses: { readonly [status: string]: PlanEntry["status"] } = {
  done: "completed",
  completed: "completed",
  in_progress: "in_progress",
};

/** The agent's list of what is to be done, from the rows of its table. */
export function planEntries(result: unknown): readonly PlanEntry[] {
  return arrayField(result, "rows")
    .filter(isJsonObject)
    .map((row) => {
      const status = stringField(row, "status") ?? "";
      return {
        content: stringField(row, "title") ?? stringField(row, "id") ?? "",
        status: (Object.hasOwn(statuses, status) ? statuses[status] : undefined) ?? "pending",
      };
    });
}

import { arrayField, numberField, objectField, stringField, type JsonObject } from "../../../src/kit.ts";
import { npmCli, type AcpPreset } from "./preset.ts";

export const qwen: AcpPreset = {
  product: "Qwen Code",
  cli: { ...npmCli("qwen", "@qwen-code/qwen-code", "0.15.10"), nodeMajor: 20 },
  args: ["--acp"],
  // It would start itself once more to get more memory; the second process outlives the first one.
  env: { QWEN_CODE_NO_RELAUNCH: "1" },
  credentials: {
    ...{ anyOf: [], secret: ["OPENAI_API_KEY"] },
    forwarded: ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"],
  },
  profile: {
    authMethods: ["openai"],
    authRemedy: "Set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL.",
    // It declares session/resume, and does not know it.
    resumeBy: "load",
    readUpdate,
  },
};

/** A command that failed is told like one that did not; its text for the model says how it ended. */
function readUpdate(update: JsonObject): JsonObject {
  const name = stringField(objectField(update, "_meta"), "toolName");
  if (update["sessionUpdate"] !== "tool_call_update" || name !== "run_shell_command") return update;
  const texts = arrayField(update, "content").map((item) =>
    stringField(objectField(item, "content"), "text"),
  );
  const code = /\nExit Code: (\d+)\nSignal: /.exec(texts.join("\n"))?.[1];
  if (code === undefined || numberField(objectField(update, "rawOutput"), "exitCode") !== undefined)
    return update;
  return { ...update, rawOutput: { output: update["rawOutput"], exitCode: Number(code) } };
}

export { readDirectives } from "./directives.ts";
export type { ModelRequest, OfferedTool, SideRequest } from "./model-request.ts";
export { demoScenario, directiveScenario, type Scenario } from "./scenarios.ts";
export {
  type ContentStep,
  type FaultStep,
  type Script,
  ScriptError,
  type ScriptStep,
  type ScriptUsage,
  type SettingStep,
  type ToolStep,
} from "./script.ts";
export { type ModelServer, type ModelServerOptions, startModelServer } from "./start-model-server.ts";
export type { ReceivedRequest } from "./request-handler.ts";

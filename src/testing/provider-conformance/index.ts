export {
  describeProviderConformance,
  type ProviderConformanceOptions,
  type TestFramework,
} from "./describe-conformance.ts";
export { providerRequirements } from "./provider-requirements.ts";
export type {
  Conversation,
  ProviderContext,
  ProviderRequirement,
  RequiredCapability,
  RunRequirementOptions,
  ShellOptions,
  ShellOutput,
} from "./requirement.ts";
export { runProviderRequirement } from "./run-requirement.ts";

import {
  backendOptionChecks,
  isBoolean,
  isJsonObject,
  isString,
  isStringArray,
  validateOptions,
  type AcpProfile,
  type Environment,
  type OptionCheck,
} from "../../src/kit.ts";
import { presetNames, type AcpPresetName } from "./presets.ts";

export type { AcpPresetName } from "./presets.ts";

/** Options that hold for every agent, known or not. */
export interface AcpOptions {
  /** Model name as the agent knows it, set when the session starts; default: the agent's own. */
  readonly model?: string;
  /** Added to the environment of the agent's process. */
  readonly env?: Environment;
  /**
   * Names of variables that carry a credential: taken over from the host's environment where nothing else sets them,
   * and removed from every event and error. A preset has some of its own.
   */
  readonly secrets?: readonly string[];
  /** Further arguments, put after the others. */
  readonly extraArgs?: readonly string[];
  /**
   * The method to authenticate by when the agent asks for it, or several in the order of preference. Only such that
   * need no person. Default: the preset's, or none.
   */
  readonly authMethod?: string | readonly string[];
  /** The mode that the session works in, by the agent's own id for it. A mode it does not offer is an error. */
  readonly sessionMode?: string;
  /** Options of the agent to set when the session starts, by their ids. */
  readonly configOptions?: { readonly [id: string]: string | boolean };
  /**
   * Vouches that the agent, as it is configured and in this mode, asks for a permission before every tool call, those
   * included that only look. Then sessions may also ask the host, or deny every call. A turn in which a call is made
   * all the same is stopped, and fails. Default `false`.
   */
  readonly asksForEveryCall?: boolean;
  /** Whether a missing CLI of a preset is installed into the sandbox from npm. Default `true`. */
  readonly install?: boolean;
  /** What else is peculiar to the agent, as `playpen/kit` describes it. */
  readonly profile?: Partial<AcpProfile>;
}

/** An agent of one's own. */
export interface AcpAgentOptions extends AcpOptions {
  /** The executable in the sandbox, or an argv prefix. */
  readonly command: string | readonly [string, ...string[]];
  /** What makes it speak the protocol, for example `["--acp"]`. */
  readonly args?: readonly string[];
  /** The agent's name in events and errors; default: that of the executable. */
  readonly name?: string;
}

/** Options of a preset: its command may be another. */
export type AcpPresetOptions = AcpOptions & Partial<Pick<AcpAgentOptions, "command" | "name">>;

const isAuthMethod: OptionCheck = (value) =>
  isString(value) === undefined || (Array.isArray(value) && isStringArray(value) === undefined)
    ? undefined
    : "the id of a method, or an array of them";

const isConfigOptions: OptionCheck = (value) =>
  isJsonObject(value) &&
  Object.values(value).every((item) => typeof item === "string" || typeof item === "boolean")
    ? undefined
    : "an object whose values are strings or booleans";

const isName: OptionCheck = (value) =>
  typeof value === "string" && /^[a-z0-9][a-z0-9._-]*$/.test(value)
    ? undefined
    : 'a name of lower-case letters, digits, ".", "_" and "-"';

const isProfile: OptionCheck = (value) => (isJsonObject(value) ? undefined : "an object of hooks");

const shared: { readonly [Name in keyof Required<AcpOptions>]: OptionCheck } = {
  model: backendOptionChecks.model,
  env: backendOptionChecks.env,
  extraArgs: isStringArray,
  secrets: isStringArray,
  authMethod: isAuthMethod,
  sessionMode: isString,
  configOptions: isConfigOptions,
  asksForEveryCall: isBoolean,
  install: isBoolean,
  profile: isProfile,
};

const own = { ...shared, command: backendOptionChecks.command, args: isStringArray, name: isName };
const ofPreset = { ...shared, command: backendOptionChecks.command, name: isName };

/**
 * Checks the arguments of `acp()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkAcpOptions(agent: AcpPresetName | AcpAgentOptions, options: AcpPresetOptions): void {
  if (typeof agent !== "string") {
    validateOptions("acp()", agent, own);
    const given: Partial<AcpAgentOptions> = agent;
    if (given.command === undefined) {
      throw new TypeError(
        'acp(): the option "command" is missing: the executable of an agent that speaks the Agent Client Protocol, for example { command: "my-agent", args: ["--acp"] }.',
      );
    }
    return;
  }
  if (!presetNames.includes(agent)) {
    const known = presetNames.map((name) => JSON.stringify(name)).join(", ");
    throw new TypeError(
      `acp(): no agent is known as ${JSON.stringify(agent)}, only ${known}. For another one pass { command, args }.`,
    );
  }
  validateOptions("acp()", options, ofPreset);
}

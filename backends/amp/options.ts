import {
  backendOptionChecks,
  isJsonObject,
  isOneOf,
  refuseReserved,
  validateOptions,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
} from "../../src/kit.ts";

/** Who may see a thread on Amp's site. */
export type AmpVisibility = "private" | "unlisted" | "workspace" | "group";

/** Settings as in the CLI's `settings.json`; their names begin with `amp.`. */
export type AmpSettings = JsonObject;

/** Options of `amp()`. */
export interface AmpOptions extends Omit<BackendOptions, "model" | "mode"> {
  /** Only `"turn"`, which is the default: one process per turn. */
  readonly mode?: "turn";
  /** Address of Amp's service, for those who have one of their own. */
  readonly baseUrl?: string;
  /** Default: `AMP_API_KEY` of the environment. It never appears in an argument. */
  readonly apiKey?: string;
  /** Who sees the session's thread at the vendor's service. Default: as the account has it. */
  readonly visibility?: AmpVisibility;
  /** Further settings. They take the place of the user's `settings.json`. */
  readonly settings?: AmpSettings;
}

const isSecret: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a text of printable ASCII characters without blanks";

const chosenByAmp: OptionCheck = () =>
  'left out, since Amp chooses the models itself (the session\'s option "agentMode" says how)';

/** Settings the library makes itself, by what to use instead. */
const reservedSettings: { readonly [name: string]: string } = {
  "amp.dangerouslyAllowAll": 'the session\'s option "permissions"',
  "amp.permissions": 'the session\'s option "permissions"',
  "amp.skills.path": 'the session\'s option "skills"',
  "amp.mcpServers": 'the session\'s option "mcpServers"',
};

const areSettings: OptionCheck = (value) => {
  if (!isJsonObject(value)) return 'an object of settings such as { "amp.network.timeout": 60 }';
  for (const name of Object.keys(value)) {
    if (!name.startsWith("amp."))
      return `an object whose names begin with "amp." (not ${JSON.stringify(name)})`;
    const instead = Object.hasOwn(reservedSettings, name) ? reservedSettings[name] : undefined;
    if (instead !== undefined) return `an object without ${JSON.stringify(name)}: use ${instead}`;
  }
  return undefined;
};

const checks: { readonly [name: string]: OptionCheck } = {
  ...backendOptionChecks,
  model: chosenByAmp,
  mode: isOneOf("turn"),
  apiKey: isSecret,
  visibility: isOneOf("private", "unlisted", "workspace", "group"),
  settings: areSettings,
} satisfies { readonly [Name in keyof Required<AmpOptions> | "model"]: OptionCheck };

const readsOutput = "the library reads the CLI's output";
const promptByStdin = "the prompt goes over standard input";
const staysHere = "the agent works in the sandbox";
const endsAtOnce = "the CLI would end at once";

/** Arguments the library sets itself, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "-x": promptByStdin,
  "--execute": promptByStdin,
  "--stream-json-input": promptByStdin,
  "--stream-json": readsOutput,
  "--stream-json-thinking": readsOutput,
  "-ox": staysHere,
  "--orb-execute": staysHere,
  "--executor": staysHere,
  "--runner-dir": staysHere,
  "--no-tui": staysHere,
  "--remote-control-terminal": staysHere,
  "--settings-file": 'use the option "settings"',
  "--visibility": 'use the option "visibility"',
  "--mcp-config": 'use the session\'s option "mcpServers"',
  "-m": 'use the session\'s option "agentMode"',
  "--mode": 'use the session\'s option "agentMode"',
  "-h": endsAtOnce,
  "--help": endsAtOnce,
  "-V": endsAtOnce,
  "-v": endsAtOnce,
  "--version": endsAtOnce,
  "--": "no prompt is passed by argument",
};

/**
 * Checks the options of `amp()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkAmpOptions(options: AmpOptions): void {
  validateOptions("amp()", options, checks);
  refuseReserved("amp()", options.extraArgs, reservedArguments);
}

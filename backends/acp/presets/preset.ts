import type {
  AcpProfile,
  BackendCapabilities,
  CliRecipe,
  CredentialRecipe,
  Environment,
  LaunchFile,
  LaunchInput,
} from "../../../src/kit.ts";

/** What is known of an agent. */
export interface AcpPreset {
  /** For people. */
  readonly product: string;
  readonly cli: CliRecipe;
  /** What makes it speak the protocol. */
  readonly args: readonly string[];
  /** Set unless the caller's environment says otherwise. */
  readonly env?: Environment;
  /** What else a start of the agent takes. */
  readonly start?: (input: LaunchInput) => AcpStart;
  readonly credentials: CredentialRecipe;
  readonly profile?: Partial<AcpProfile>;
  readonly capabilities?: Partial<BackendCapabilities>;
}

export interface AcpStart {
  /** Stands before the agent's command. */
  readonly prefix?: readonly [string, ...string[]];
  /** Stand behind those that make it speak the protocol. */
  readonly args?: readonly string[];
  /** Set unless the caller's environment says otherwise. */
  readonly env?: Environment;
  /** Stand below what the user of the sandbox has configured. */
  readonly files?: readonly LaunchFile[];
}

export function npmCli(
  command: string,
  packageName: string,
  version: string,
  executables: readonly string[] = [],
): CliRecipe {
  return {
    ...{ command, package: packageName, version, versionArguments: ["--version"] },
    executables: [...executables, `.bin/${command}`],
  };
}

export function keys(...names: readonly string[]): CredentialRecipe {
  return { anyOf: [], forwarded: names, secret: names };
}

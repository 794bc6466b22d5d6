import type { Labels } from "../../src/kit.ts";
import type { CliSettings } from "./cli-options.ts";

/** A container, in whatever words its program has for it. */
export interface CliContainer {
  readonly id: string;
  readonly labels: Labels;
  readonly running: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
  /** Arguments of its main process; absent where a list does not tell them. */
  readonly args?: readonly string[];
  /** Where the host may reach it. */
  readonly addresses?: readonly string[];
  /** Id of its image. */
  readonly image?: string;
}

/** What a container takes over from its image. */
export interface CliImage {
  readonly user: string;
  readonly labels: Labels;
}

/** What sets one engine's program apart from another. */
export interface CliKind {
  /** The provider's name, which is the prefix of its sandboxes' ids. */
  readonly name: string;
  /** As it is called in messages. */
  readonly title: string;
  /** How to get the program. */
  readonly installation: string;
  /** Tells its version on a line. */
  readonly versionArgs: readonly string[];
  readonly listArgs: readonly string[];
  /** `undefined` where it is no list. */
  parseList(output: string): readonly CliContainer[] | undefined;
  /** Arguments of `create` in front of the image. */
  createArgs(settings: CliSettings, labels: Labels, image: CliImage): readonly string[];
  removeArgs(id: string): readonly string[];
  inspectArgs(id: string): readonly string[];
  parseInspect(output: string): CliContainer | undefined;
  /** Connects to a created container's main process and starts it. */
  startArgs(id: string): readonly string[];
}

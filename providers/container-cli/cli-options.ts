import type { Environment, Labels, SandboxMount } from "../../src/kit.ts";

/** What a container is created with, resolved. */
export interface CliSettings {
  readonly image: string;
  readonly cwd: string;
  readonly env: Environment;
  readonly user?: string;
  readonly mounts: readonly SandboxMount[];
  readonly network?: string;
  readonly ports: readonly number[];
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly labels: Labels;
  /** Platform of the image, such as `linux/amd64`. */
  readonly platform?: string;
  readonly pull?: "missing" | "always" | "never";
  readonly pidsLimit?: number;
  readonly init?: boolean;
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
}

export const ownLabelName = "playpen.provider";

import type Dockerode from "dockerode";
import { SandboxAgentError } from "../../src/kit.ts";

export const dockerodeRange = "^5.0.0";

/** Loads the vendor's client, an optional peer dependency, when it is first needed. */
export async function loadDockerode(title: string): Promise<typeof Dockerode> {
  try {
    const { default: client } = await import("dockerode");
    return client;
  } catch (cause) {
    const install = `npm install dockerode@${dockerodeRange}`;
    throw new SandboxAgentError(
      "dependency_missing",
      `The ${title} provider needs the package dockerode (${dockerodeRange}), which cannot be loaded.`,
      {
        details: { package: "dockerode", version: dockerodeRange, install },
        cause,
        remedy: `Run: ${install}`,
      },
    );
  }
}

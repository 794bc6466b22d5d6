import type { SandboxProvider } from "playpen";
import { local } from "playpen/local";

/** A sandbox that needs neither Docker nor an account: bubblewrap where it works, else a plain private folder. */
export async function exampleSandbox(): Promise<{
  readonly sandbox: SandboxProvider;
  readonly description: string;
}> {
  const isolated = local();
  const availability = await isolated.check();
  if (availability.available)
    return { sandbox: isolated, description: "a bubblewrap sandbox on this machine" };
  return {
    sandbox: local({ isolation: "none" }),
    description: `a private folder WITHOUT isolation (${availability.reason} ${availability.remedy})`,
  };
}

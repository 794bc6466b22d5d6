import type { CopilotOptions } from "./options.ts";

/** No traffic that the session does not need, neither at the start nor later. */
export function quietArguments(options: CopilotOptions): readonly string[] {
  return [
    "--no-auto-update",
    "--disable-client-telemetry",
    "--no-remote",
    "--no-remote-export",
    "--log-level",
    "none",
    ...(options.builtinMcpServers === true ? [] : ["--disable-builtin-mcps"]),
  ];
}

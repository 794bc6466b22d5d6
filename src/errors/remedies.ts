import type { ErrorCode } from "../spec/errors.ts";

/** What to do about each code, unless the place that throws knows better. */
export const remedies: { readonly [Code in ErrorCode]: string } = {
  provider_unavailable:
    "Start the engine or service, or choose another provider; `provider.check()` tells more.",
  provider_authentication_failed:
    "Set one of the variables named in `details.variables`, or give the credential as an option of the provider.",
  provider_rate_limited: "Wait for `details.retryAfterMs`, or raise the quota; nothing was created.",
  provider_failed:
    "Try again later; `cause` holds the service's own words. A sandbox may have been created: sweep.",
  dependency_missing: "Install the package with the command named in `details.install`.",
  image_unavailable: "Check the image's name, pull or build it, and log in to its registry if it is private.",
  sandbox_create_failed: "Read `cause` for the provider's own words, and check the sandbox options.",
  setup_failed: "Read `details.output`: it is that of the step which failed.",
  sandbox_not_found: "Check the id and the provider; the sandbox may have ended or reached its expiry.",
  sandbox_lost: "Start a new sandbox; `cause` tells what was last heard of this one.",
  sandbox_closed: "Use a box before destroy() or detach(); start or connect to another one.",
  pool_closed: "Take sandboxes before close(), or construct another pool.",
  pool_timeout:
    "Dispose of taken sandboxes sooner, raise `maxSize` or `size`, or wait longer with `takeTimeoutMs`.",
  spawn_failed: "Check that the program, the working directory and the user exist in the sandbox.",
  file_failed: "Check that the path exists in the sandbox and that its user may use it.",
  exec_timeout: "Give the command more time with `timeoutMs`, or find out why it hangs.",
  output_too_large: "Write the output to a file in the sandbox, or raise `maxOutputBytes`.",
  cli_missing:
    "Put the CLI into the image, allow its installation (`install: true`), or name it with `command`.",
  cli_install_failed: "Read `details.output`; without a network, put the CLI into the image beforehand.",
  credential_missing: "Set one of the variables in the host's environment, or pass it in the agent's `env`.",
  unsupported: "Leave the option out, or choose a backend, mode or provider that has it.",
  session_start_failed: "Read `details.stderr`; check the agent's options, credential and CLI version.",
  session_closed: "Create a new session on the same box.",
  agent_exited:
    "Prompt again: the session is resumed in a new process. `details` and `result` tell how far it came.",
  protocol_error: "Use the CLI version that the backend pins, and report it if that does not help.",
  agent_error: "Read the message: it is the agent's own.",
  authentication_failed: "Check that the credential is valid, not expired, and meant for this API address.",
  rate_limited: "Wait and prompt again, or lower the number of sessions that run at once.",
  model_overloaded: "Wait and prompt again, or choose another model.",
  model_error: "Prompt again later; the model's API failed.",
  model_not_found: "Check the model's name and whether the credential may use it.",
  context_too_long: "Start a new session, compact the context, or send less.",
  network_error: "Check the network of the sandbox, its proxy settings, and `baseUrl`.",
  budget_exceeded: "Raise the limit, or split the task.",
  output_invalid:
    "Look at `details.issues`; ask for a simpler shape, describe it better, or allow more `repairs`.",
  turn_interrupted: "Prompt again to go on: the session is still usable, unless it or its sandbox was ended.",
  turn_timeout: "Raise the time limit, or find out what the agent was waiting for.",
  events_lagged: "Subscribe again from `details.resumeFrom`, or use `backpressure: true`.",
};

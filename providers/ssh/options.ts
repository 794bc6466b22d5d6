import {
  type Environment,
  type Labels,
  type OptionCheck,
  isAbsolutePath,
  isDurationMs,
  isString,
  validateProviderOptions,
} from "../../src/kit.ts";
import { type HostKey, hostKeyProblem, parseHostKey } from "./host-key.ts";

/** Options of `ssh()`. */
export interface SshOptions {
  /** Name or address of the machine. */
  readonly host: string;
  /** Default 22. */
  readonly port?: number;
  /** Whom to log in as; processes run as this user. */
  readonly username: string;
  /** Text of a private key, as OpenSSH or PEM writes it. */
  readonly privateKey?: string;
  /** Of the private key, where it is encrypted. */
  readonly passphrase?: string;
  /** Password of the user, instead of a key. */
  readonly password?: string;
  /** Path of an SSH agent's socket, instead of a key; default, where nothing else is given: `SSH_AUTH_SOCK`. */
  readonly agent?: string;
  /**
   * What the machine must prove to be: its public key, a line such as `"ssh-ed25519 AAAA…"`, or the key's fingerprint
   * `"SHA256:…"`. Any other key is refused before the log-in begins.
   */
  readonly hostKey: string;
  /** Folder on the machine that holds the sandboxes' own folders; default `.playpen` in the user's home folder. */
  readonly root?: string;
  /** Working directory on the machine, created when missing and never removed; default: a fresh one for each sandbox. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored on the machine. */
  readonly env?: Environment;
  /** Added to the labels of every sandbox. */
  readonly labels?: Labels;
  /** How long to wait for a connection and its log-in; default 20,000. */
  readonly connectTimeoutMs?: number;
  /** How often a silent connection is asked for a sign of life; the third that stays out ends it. Default 15,000. */
  readonly keepaliveIntervalMs?: number;
}

/** The options with their defaults. */
export interface SshSettings {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly privateKey: string | undefined;
  readonly passphrase: string | undefined;
  readonly password: string | undefined;
  readonly agent: string | undefined;
  readonly hostKey: HostKey;
  readonly root: string | undefined;
  readonly cwd: string | undefined;
  readonly env: Environment;
  readonly labels: Labels;
  readonly connectTimeoutMs: number;
  readonly keepaliveIntervalMs: number;
}

const isPort: OptionCheck = (value) =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536 ? undefined : "a port number";

const own = {
  host: isString,
  port: isPort,
  username: isString,
  privateKey: isString,
  passphrase: isString,
  password: isString,
  agent: isString,
  hostKey: hostKeyProblem,
  root: isAbsolutePath,
  connectTimeoutMs: isDurationMs,
  keepaliveIntervalMs: isDurationMs,
};

const wholeMachine = "a sandbox is a folder of the machine, which has the size that it has";

const refuses = {
  image: "the machine is what it is; install there what you need",
  template: "the machine is what it is; install there what you need",
  snapshot: "a folder of a machine has no snapshots",
  cpus: wholeMachine,
  memoryBytes: wholeMachine,
  diskBytes: wholeMachine,
  pidsLimit: wholeMachine,
  timeoutMs: "a sandbox ends with its host; give detach() a time to live",
  region: "`host` says where it runs",
  user: "log in as that user, by `username`",
  mounts: "all files of the machine are there",
};

/** @throws TypeError that names the option. */
export function resolveOptions(options: SshOptions): SshSettings {
  validateProviderOptions("ssh()", options, { takes: ["cwd", "env", "labels"], refuses, own });
  for (const name of ["host", "username", "hostKey"] as const) {
    if (!Object.hasOwn(options, name)) throw new TypeError(`ssh(): the option "${name}" is missing.`);
  }
  const ways = (["privateKey", "password", "agent"] as const).filter((name) => options[name] !== undefined);
  if (ways.length > 1) {
    throw new TypeError(
      `ssh(): the options ${ways.map((name) => `"${name}"`).join(" and ")} exclude each other.`,
    );
  }
  if (options.passphrase !== undefined && options.privateKey === undefined) {
    throw new TypeError('ssh(): the option "passphrase" belongs to "privateKey", which is missing.');
  }
  return {
    host: options.host,
    port: options.port ?? 22,
    username: options.username,
    privateKey: options.privateKey,
    passphrase: options.passphrase,
    password: options.password,
    agent: options.agent,
    hostKey: parseHostKey(options.hostKey),
    root: options.root,
    cwd: options.cwd,
    env: options.env ?? {},
    labels: options.labels ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? 20_000,
    keepaliveIntervalMs: options.keepaliveIntervalMs ?? 15_000,
  };
}

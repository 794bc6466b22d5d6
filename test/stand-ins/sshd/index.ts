import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const program = "/usr/sbin/sshd";

export interface SshServerOptions {
  /** Lines of sshd_config beside its own. */
  readonly config?: readonly string[];
  /** Kind of its host key; default `ed25519`. */
  readonly keyType?: "ed25519" | "rsa" | "ecdsa";
}

/** Why there can be none here; `undefined` where there can. */
export function missingSshd(): string | undefined {
  if (!existsSync(program))
    return "the package openssh-server is not installed: run scripts/setup-engines.sh";
  return process.getuid?.() === 0 ? undefined : "sshd needs root to let root in";
}

/**
 * The system's own sshd with a configuration, a host key and a port of its own, on the loopback interface. It lets the
 * user of the tests in by a key that was made for it.
 */
export class SshServer {
  readonly folder: string;
  readonly port: number;
  readonly username = "root";
  readonly privateKey: string;
  /** A line such as `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Where the sandboxes of the tests lie. */
  readonly root: string;
  readonly #daemon: ChildProcess;
  readonly #log: string[];

  private constructor(folder: string, port: number, daemon: ChildProcess, log: string[]) {
    this.folder = folder;
    this.port = port;
    this.#daemon = daemon;
    this.#log = log;
    this.root = join(folder, "sandboxes");
    this.privateKey = readFileSync(join(folder, "user"), "utf8");
    this.hostKey = readFileSync(join(folder, "host.pub"), "utf8").trim();
  }

  static async start({ config = [], keyType = "ed25519" }: SshServerOptions = {}): Promise<SshServer> {
    const folder = mkdtempSync(join(tmpdir(), "sshd-"));
    for (const [name, type] of [
      ["host", keyType],
      ["user", "ed25519"],
    ] as const) {
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "test", "-f", join(folder, name)]);
    }
    writeFileSync(join(folder, "authorized"), readFileSync(join(folder, "user.pub")));
    mkdirSync(join(folder, "home"));
    // The daemon's own folder, which its start script would make.
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    const port = await freePort();
    const lines = [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${join(folder, "host")}`,
      `AuthorizedKeysFile ${join(folder, "authorized")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "PasswordAuthentication no",
      "LogLevel VERBOSE",
      // What the machine's own user has in the files that a shell begins with is no part of the tests.
      `SetEnv HOME=${join(folder, "home")}`,
      ...config,
    ];
    writeFileSync(join(folder, "config"), `${lines.join("\n")}\n`);
    const daemon = spawn(program, ["-D", "-e", "-f", join(folder, "config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const log: string[] = [];
    daemon.stderr.setEncoding("utf8");
    daemon.stderr.on("data", (text: string) => log.push(text));
    const server = new SshServer(folder, port, daemon, log);
    try {
      await server.#untilItAnswers();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** What `ssh()` needs to connect to it. */
  get options() {
    const { port, username, privateKey, hostKey, root } = this;
    return { host: "127.0.0.1", port, username, privateKey, hostKey, root };
  }

  get fingerprint(): string {
    const words = execFileSync("ssh-keygen", ["-l", "-f", join(this.folder, "host.pub")], {
      encoding: "utf8",
    });
    return words.split(" ")[1] ?? "";
  }

  /** What it has said about connections and log-ins. */
  get log(): string {
    return this.#log.join("");
  }

  /** The ids of its processes that serve one connection each. */
  connections(): readonly number[] {
    return childrenOf(this.#daemon.pid ?? 0);
  }

  /** Ends all connections from its side, without a word. */
  cutConnections(): void {
    for (const pid of this.connections()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  async stop(): Promise<void> {
    this.cutConnections();
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      const exited = once(this.#daemon, "exit");
      this.#daemon.kill("SIGKILL");
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #untilItAnswers(): Promise<void> {
    for (let rest = 200; ; rest--) {
      if (this.#daemon.exitCode !== null) throw new Error(`sshd has ended: ${this.log}`);
      const socket = connect(this.port, "127.0.0.1");
      const answered = await Promise.race([
        once(socket, "data").then(
          () => true,
          () => false,
        ),
        once(socket, "close").then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (answered) return;
      if (rest === 0) throw new Error(`sshd does not answer: ${this.log}`);
      await delay(25);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const status = readFileSync(`/proc/${name}/stat`, "utf8");
        return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

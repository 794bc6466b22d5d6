import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { local, type LocalOptions } from "../../../../providers/local/index.ts";
import type { Sandbox, SandboxSpec } from "../../../../src/kit.ts";
import { commandLines, run } from "./harness.ts";

const secret = "the-secret-of-the-host";
let top: string;
let privateFolder: string;
let temporaryFolder: string;
let server: Server;
const sandboxes: Sandbox[] = [];

beforeAll(async () => {
  top = await mkdtemp(join(homedir(), ".local-isolation-"));
  // What stands for ~/.ssh: a folder of the home folder that nobody asked for.
  privateFolder = await mkdtemp(join(homedir(), ".local-private-"));
  await writeFile(join(privateFolder, "id"), secret);
  temporaryFolder = await mkdtemp(join(tmpdir(), "local-isolation-"));
  await writeFile(join(temporaryFolder, "other"), secret);
  server = createServer((socket) => {
    socket.end("reached\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  await Promise.all(sandboxes.splice(0).map((sandbox) => sandbox.destroy()));
});

afterAll(async () => {
  server.close();
  await rm(privateFolder, { recursive: true });
  await rm(temporaryFolder, { recursive: true });
  await rm(top, { recursive: true });
});

async function create(options: LocalOptions = {}, spec: Partial<SandboxSpec> = {}): Promise<Sandbox> {
  const sandbox = await local({ root: join(top, "root"), ...options }).create({
    env: {},
    labels: {},
    ...spec,
  });
  sandboxes.push(sandbox);
  return sandbox;
}

function connectScript(port: number): string {
  const program = `require("net").connect(${port}, "127.0.0.1").on("data", (data) => process.stdout.write(data))
    .on("error", (error) => console.log(error.code))`;
  return `exec "${process.execPath}" -e '${program}'`;
}

function serverPort(): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe.each(["read-only", "hidden"] as const)("bubblewrap, host files %s", (hostFiles) => {
  it("shows no home folder, no temporary file and no socket of the host", async () => {
    const sandbox = await create({ hostFiles });
    const { stdout, stderr } = await run(
      sandbox,
      `cat '${privateFolder}/id' '${temporaryFolder}/other'; ls -A /home /run '${homedir()}/.ssh' '${homedir()}/.aws'
       ls /run/docker.sock /var/run/docker.sock; cat /etc/shadow; ls /tmp | wc -l; cat /proc/*/environ | tr '\\0' '\\n'`,
    );
    expect(stdout).not.toContain(secret);
    expect(stdout).not.toContain("docker.sock");
    expect(stdout).not.toMatch(/^root:/m);
    expect(stderr).toContain(`${privateFolder}/id`);
  });

  it("has the host's programs, Node among them, and cannot change them", async () => {
    const sandbox = await create({ hostFiles });
    const { stdout } = await run(
      sandbox,
      `"${process.execPath}" -p 6*7; grep -c . /etc/passwd >/dev/null && echo passwd
       for path in / /usr /usr/bin /etc /var /opt /sys; do touch "$path/planted" && echo "wrote $path"; done 2>/dev/null
       echo x > /proc/sys/kernel/core_pattern; echo x > /proc/sysrq-trigger; mount -o remount,rw /usr; umount /home; :`,
    );
    expect(stdout).toBe("42\npasswd\n");
  });

  it("writes to its workspace, home and temporary folder, which are its own", async () => {
    const sandbox = await create({ hostFiles });
    const { stdout, stderr } = await run(
      sandbox,
      `for folder in . "$HOME" "$TMPDIR" /tmp; do touch "$folder/file-$$" || exit 1; done; echo written; cd; pwd
       case $HOME/ in "$TMPDIR"/*) echo "home lies in TMPDIR";; esac`,
    );
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(/^written\n\/.*\n$/) as string,
      stderr: "",
    });
  });

  it("keeps its home out of TMPDIR where sandboxes are kept among temporary files", async () => {
    const sandbox = await create({ hostFiles, root: join(temporaryFolder, "root") });
    const { stdout } = await run(
      sandbox,
      `case $HOME/ in "$TMPDIR"/*) echo "home lies in TMPDIR";; esac
       printf text > "$TMPDIR/file"; printf more >> /tmp/file; echo "$TMPDIR/file"`,
    );
    expect(await sandbox.files.readText(stdout.trim())).toBe("textmore");
  });

  it("sees its own processes only, and those of the sandbox's other commands", async () => {
    const sandbox = await create({ hostFiles });
    const sleeper = await sandbox.spawn({ argv: ["sleep", "1234.5"] });
    const { stdout } = await run(
      sandbox,
      `cat /proc/[0-9]*/cmdline | tr '\\0' ' '; kill -9 ${process.pid}; :`,
    );
    expect(stdout).toContain("sleep 1234.5");
    expect(stdout).not.toContain("vitest");
    await sleeper.kill();
    expect(await sleeper.exited).toEqual({ code: null, signal: "SIGKILL" });
  });
});

describe("bubblewrap", () => {
  it("reaches the host's loopback interface only with a network", async () => {
    const [on, off] = await Promise.all([create(), create({ network: false })]);
    expect((await run(on, connectScript(serverPort()))).stdout).toBe("reached\n");
    expect((await run(off, connectScript(serverPort()))).stdout).toBe("ECONNREFUSED\n");
  });

  it("lets processes of one sandbox reach each other without a network", async () => {
    const sandbox = await create({ network: false });
    const program = `const server = require("net").createServer((socket) => socket.end("inside\\n"));
      server.listen(0, "127.0.0.1", () => console.log(server.address().port))`;
    const listener = await sandbox.spawn({ argv: [process.execPath, "-e", program] });
    const { value } = await listener.stdout.getReader().read();
    const port = Number(Buffer.from(value ?? []).toString());
    expect((await run(sandbox, connectScript(port))).stdout).toBe("inside\n");
    await listener.kill();
  });

  it("keeps the host's environment out, but for what is harmless or asked for", async () => {
    process.env["LOCAL_TEST_SECRET"] = secret;
    process.env["LOCAL_TEST_ASKED"] = "asked";
    try {
      const sandbox = await create({ passEnv: ["LOCAL_TEST_ASKED"] }, { env: { GIVEN: "given" } });
      const { stdout } = await run(sandbox, "env");
      expect(stdout).not.toContain(secret);
      expect(stdout).toContain("LOCAL_TEST_ASKED=asked\n");
      expect(stdout).toContain("GIVEN=given\n");
      expect(stdout).toContain(`PATH=${process.env["PATH"] ?? ""}\n`);
    } finally {
      delete process.env["LOCAL_TEST_SECRET"];
      delete process.env["LOCAL_TEST_ASKED"];
    }
  });

  it("gives no power over its mounts, not even to those who make namespaces of their own", async () => {
    const sandbox = await create();
    const { stdout } = await run(
      sandbox,
      `unshare --user --map-root-user --mount sh -c '
         echo inside; umount "$1" && echo unmasked; mount -o remount,rw /usr && echo writable
         umount /proc/sys && echo uncovered; mount -t proc proc /mnt && echo "fresh /proc"' sh '${homedir()}'
       nsenter --target 1 --mount true && echo joined; ls /proc/1/root/ && echo "host root"
       for link in /proc/self/fd/*; do readlink "$link"; done | grep -E "^(mnt|user|pid|net|ipc|uts):" && echo kept; :`,
    );
    expect(stdout).toBe("inside\n");
  });

  it("runs nothing on the host that a workspace offers: loader variables take effect inside only", async () => {
    const sandbox = await create();
    await sandbox.files.write("evil/libc.so.6", "not a library");
    const env = { LD_LIBRARY_PATH: `${sandbox.cwd}/evil`, LD_PRELOAD: `${sandbox.cwd}/evil/libc.so.6` };
    const process = await sandbox.spawn({ argv: ["/bin/true"], env });
    expect(await new Response(process.stderr).text()).toContain("evil/libc.so.6");
  });

  it("takes its own programs from the system, not from a PATH that an agent may write to", async () => {
    const workspace = join(top, "planted");
    await mkdir(workspace);
    for (const name of ["bwrap", "nsenter", "tar", "rm", "sh"]) {
      await writeFile(join(workspace, name), '#!/bin/sh\necho planted > "$0.ran"\n');
      await chmod(join(workspace, name), 0o755);
    }
    const before = process.env["PATH"];
    process.env["PATH"] = `${workspace}:${before ?? ""}`;
    try {
      const sandbox = await create({ workspace });
      await sandbox.files.write("folder/file", "text");
      await sandbox.files.remove("folder");
      expect((await sandbox.files.list(".")).filter(({ path }) => path.endsWith(".ran"))).toEqual([]);
    } finally {
      process.env["PATH"] = before;
    }
  });

  it("shows folders that were asked for, with the rights that were asked for", async () => {
    const [readable, writable, workspace] = ["readable", "writable", "project"].map((name) =>
      join(top, name),
    );
    if (!readable || !writable || !workspace) throw new Error("unreachable");
    await Promise.all(
      [readable, writable, join(workspace, ".git")].map((path) => mkdir(path, { recursive: true })),
    );
    await writeFile(join(readable, "file"), "text");
    const sandbox = await create({
      workspace,
      readOnlyPaths: [readable, join(workspace, ".git")],
      writablePaths: [writable],
    });
    expect(sandbox.cwd).toBe(workspace);
    const { stdout } = await run(
      sandbox,
      `cat ${readable}/file; echo
       for folder in ${readable} ${writable} . .git; do touch $folder/new && echo "$folder"; done 2>/dev/null; :`,
    );
    expect(stdout).toBe(`text\n${writable}\n.\n`);
    await expect(sandbox.files.write(".git/hooks/pre-commit", "#!/bin/sh")).rejects.toMatchObject({
      code: "file_failed",
    });
    expect(await sandbox.files.readText(join(readable, "file"))).toBe("text");
  });

  it("shows nothing of other sandboxes, even when the folder around them was asked for", async () => {
    const [first, second] = await Promise.all([
      create({ writablePaths: [top] }),
      create({ readOnlyPaths: [top] }),
    ]);
    await first.files.write("mine", secret);
    for (const sandbox of [first, second]) {
      expect((await run(sandbox, `ls ${top}/root`)).stdout).toBe(`${sandbox.id}\n`);
    }
    expect((await run(first, "cat mine")).stdout).toBe(secret);
  });

  it("has its workspace at any free place", async () => {
    const sandbox = await create({}, { cwd: "/workspace" });
    expect((await run(sandbox, "pwd; printf text > file")).stdout).toBe("/workspace\n");
    expect(await sandbox.files.readText("/workspace/file")).toBe("text");
    await expect(create({}, { cwd: "/etc" })).rejects.toThrow(TypeError);
  });

  it("tells what is wrong with a folder that is not there", async () => {
    await expect(create({ workspace: join(top, "missing") })).rejects.toMatchObject({
      code: "sandbox_create_failed",
      message: expect.stringContaining("missing") as string,
    });
  });
});

describe.each(["bubblewrap", "none"] as const)("isolation %s", (isolation) => {
  it("shows no secret to those who list processes", async () => {
    const sandbox = await create({ isolation }, { env: { FIRST: `${secret}-1` } });
    const env = { SECOND: `${secret}-2` };
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", 'echo "$FIRST $SECOND"; exec sleep 300'],
      env,
    });
    const { value } = await process.stdout.getReader().read();
    expect(Buffer.from(value ?? []).toString()).toBe(`${secret}-1 ${secret}-2\n`);
    expect(await commandLines()).not.toContain(secret);
    expect(await readFile(join(top, "root", sandbox.id, "state.json"), "utf8")).not.toContain(secret);
    await process.kill();
  });

  it("makes folders that are the user's alone", async () => {
    const sandbox = await create({ isolation });
    const { stdout } = await run(sandbox, 'stat -c %a "$HOME" "$TMPDIR" .');
    expect(stdout).toBe("700\n700\n700\n");
  });

  it("refuses another user, and takes its own", async () => {
    const sandbox = await create({ isolation });
    const command = { argv: [process.execPath, "-p", "process.getuid()"] as const };
    await expect(sandbox.spawn({ ...command, user: "somebody" })).rejects.toMatchObject({
      code: "unsupported",
    });
    const own = await sandbox.spawn({ ...command, user: String(process.getuid?.()) });
    expect((await new Response(own.stdout).text()).trim()).toBe(String(process.getuid?.()));
  });

  it("says when a sandbox has been lost", async () => {
    const sandbox = await create({ isolation });
    const state = JSON.parse(await readFile(join(top, "root", sandbox.id, "state.json"), "utf8")) as {
      watcher: { pid: number };
      anchor?: { process: number };
    };
    process.kill(state.anchor?.process ?? state.watcher.pid, "SIGKILL");
    for (;;) {
      try {
        await run(sandbox, "true");
      } catch (error) {
        expect(error).toMatchObject({ code: "sandbox_lost" });
        break;
      }
    }
  });
});

describe("check()", () => {
  it("names the version of bubblewrap", async () => {
    expect(await local().check()).toEqual({
      available: true,
      version: expect.stringMatching(/^\d+\.\d+/) as string,
    });
    expect(await local({ isolation: "none" }).check()).toEqual({ available: true });
  });
});

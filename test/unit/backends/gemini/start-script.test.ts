import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startScript } from "../../../../backends/gemini/start-script.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/gemini-start-`);
  for (const name of ["home/.gemini", "project/inner"]) mkdirSync(`${folder}/${name}`, { recursive: true });
  writeFileSync(`${folder}/start.sh`, startScript);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Start {
  readonly resumed?: string;
  readonly trust?: string;
  readonly servers?: number;
  readonly cwd?: string;
}

/** Runs the script with a CLI that prints whether it trusts the project. */
function start({ resumed = "", trust = "yes", servers = 0, cwd = `${folder}/project/inner` }: Start = {}): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const cli = ["sh", "-c", 'echo "$GEMINI_CLI_TRUST_WORKSPACE $*"', "cli", "--acp", "two words"];
  const args = [
    `${folder}/start.sh`,
    `${folder}/home`,
    `${folder}/shared`,
    resumed,
    trust,
    String(servers),
    ...cli,
  ];
  const env = { PATH: process.env["PATH"] };
  return spawnSync("sh", args, { cwd, env, encoding: "utf8", timeout: 20_000 });
}

describe("the start script", () => {
  it("becomes the CLI, with its arguments", () => {
    expect(start()).toMatchObject({ status: 0, stdout: "true --acp two words\n", stderr: "" });
    expect(start({ trust: "no" }).stdout).toBe("false --acp two words\n");
  });

  it("lets a session's home share the histories of all, again and again", () => {
    for (const _time of [1, 2]) expect(start().status).toBe(0);
    for (const name of ["tmp", "history"]) {
      expect(readlinkSync(`${folder}/home/.gemini/${name}`)).toBe(`${folder}/shared/${name}`);
    }
  });

  it("gives the session that is taken up another minute, once, and no other session", () => {
    const chats = `${folder}/shared/tmp/some/chats`;
    mkdirSync(chats, { recursive: true });
    for (const id of ["0a1b2c3d", "99999999"])
      writeFileSync(`${chats}/session-2026-01-02T03-04-${id}.jsonl`, "");
    for (const _time of [1, 2]) {
      expect(start({ resumed: "0a1b2c3d" }).status).toBe(0);
      expect(readdirSync(chats).sort()).toEqual([
        "session-2000-01-01T00-00-0a1b2c3d.jsonl",
        "session-2026-01-02T03-04-99999999.jsonl",
      ]);
    }
    expect(start({ resumed: "ffffffff" }).status).toBe(0);
  });

  it("trusts a project that has no settings, and none that has", () => {
    const unless = { trust: "unless-configured" };
    expect(start(unless).stdout).toMatch(/^true/);
    mkdirSync(`${folder}/project/inner/.gemini`);
    expect(start(unless).stdout).toMatch(/^true/);
    writeFileSync(`${folder}/project/inner/.gemini/settings.json`, "{}");
    expect(start(unless).stdout).toMatch(/^false/);
    expect(start({ trust: "yes" }).stdout).toMatch(/^true/);
  });

  it("finds variables in the folders above too", () => {
    mkdirSync(`${folder}/project/.gemini`);
    writeFileSync(`${folder}/project/.gemini/.env`, "A=1");
    expect(start({ trust: "unless-configured" }).stdout).toMatch(/^false/);
  });

  it("refuses MCP servers where the project is not trusted, and says what to do", () => {
    mkdirSync(`${folder}/project/inner/.gemini`);
    writeFileSync(`${folder}/project/inner/.gemini/settings.json`, "{}");
    const { status, stdout, stderr } = start({ trust: "unless-configured", servers: 1 });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(
      /^Error: .*\/\.gemini\/settings\.json may run commands .* by the option trustProject\n$/,
    );
    expect(existsSync(`${folder}/home/.gemini/tmp`)).toBe(true);
  });
});

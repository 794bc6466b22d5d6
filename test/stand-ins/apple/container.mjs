#!/usr/bin/env node
// Stands for Apple's `container` program, which runs on macOS only: it takes the same arguments, answers with the same
// JSON and refuses what that refuses, and runs every process as a real process of this machine. It follows
// docs/command-reference.md of https://github.com/apple/container. Its state is in the folder that STAND_IN_APPLE_ROOT
// names. STAND_IN_APPLE_FAULT="<command>:<fault>" has a command refuse, answer with no JSON, or never end.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = process.env["STAND_IN_APPLE_ROOT"] ?? fail("STAND_IN_APPLE_ROOT is not set");
const images = ["docker.io/library/node:22-bookworm", "example/user:1"];
const markName = "STAND_IN_CONTAINER";
const flags = new Set(["interactive", "tty", "rm", "attach", "all", "force", "detach"]);
const short = { i: "interactive", t: "tty", u: "user", a: "all", f: "force" };
const [command = "", ...rest] = process.argv.slice(2);

function fail(words, code = 1) {
  process.stderr.write(`Error: ${words}\n`);
  process.exit(code);
}

/** Options up to the first word that is none; the words from there on. */
function parse(args, known) {
  const options = { label: [], mount: [] };
  let index = 0;
  for (; index < args.length && args[index].startsWith("-"); index++) {
    const [word] = [args[index].replace(/^-+/, "")];
    const name = short[word] ?? word;
    if (!known.includes(name)) fail(`Unknown option '${args[index]}'`, 64);
    if (flags.has(name)) options[name] = true;
    else if (Array.isArray(options[name])) options[name].push(args[++index]);
    else options[name] = args[++index];
  }
  return { options, words: args.slice(index) };
}

const fileOf = (id) => join(root, `${id}.json`);

function read(id) {
  try {
    return JSON.parse(readFileSync(fileOf(id), "utf8"));
  } catch {
    return undefined;
  }
}

function write(container) {
  const file = fileOf(container.configuration.id);
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(container));
  renameSync(`${file}.${process.pid}`, file);
}

const found = (id = "") => read(id) ?? fail(`notFound: "container with ID ${id} not found"`);

function running(id) {
  const container = found(id);
  return container.status === "running" ? container : fail(`invalidState: "container ${id} is not running"`);
}

function all() {
  mkdirSync(root, { recursive: true });
  return readdirSync(root)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => read(name.slice(0, -5)) ?? []);
}

/** Ends everything that was started in a container's name, until nothing is found twice. */
async function killAll(id) {
  for (let calm = 0; calm < 2;) {
    const pids = readdirSync("/proc").filter(
      (name) => /^\d+$/.test(name) && environmentOf(name).includes(`${markName}=${id}`),
    );
    calm = pids.length === 0 ? calm + 1 : 0;
    for (const pid of pids) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
    await delay(5);
  }
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function userOf(text) {
  if (text === undefined) return {};
  const [name, group] = text.split(":");
  if (/^\d+$/.test(name)) return { uid: Number(name), gid: Number(group ?? gidOf(name)) };
  const line = passwd().find((fields) => fields[0] === name);
  if (line === undefined) fail(`notFound: "user ${name}"`);
  return { uid: Number(line[2]), gid: Number(group ?? line[3]) };
}

const passwd = () =>
  readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
const gidOf = (uid) => passwd().find((fields) => fields[2] === uid)?.[3] ?? 0;

function startProcess(id, argv, { user, interactive, cwd }) {
  const { uid, gid } = userOf(user);
  const own = process.getuid() === 0 && uid !== undefined ? { uid, gid } : {};
  const home = passwd().find((fields) => fields[2] === String(uid ?? process.getuid()))?.[5] ?? "/";
  const child = spawn(argv[0], argv.slice(1), {
    cwd,
    detached: true,
    env: { PATH: process.env["PATH"], HOME: home, [markName]: id },
    stdio: [interactive ? "inherit" : "ignore", "inherit", "inherit"],
    ...own,
  });
  return new Promise((resolve) => {
    child.once("error", (error) => fail(`internalError: "failed to exec process ${error.message}"`));
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

const commands = {
  "--version": () => console.log("container CLI version 1.1.0 (build: stand-in)"),
  image: ([action, ...args]) => {
    const name = args.at(-1);
    if (!images.includes(name)) fail(`notFound: "image ${name} not found"`);
    if (action !== "inspect") return;
    const config = { config: { User: name === "example/user:1" ? "nobody" : "" } };
    console.log(JSON.stringify([{ name, variants: [{ platform: { os: "linux" }, config }] }]));
  },
  create: (args) => {
    const known = [
      "interactive",
      "rm",
      "user",
      "workdir",
      "network",
      "cpus",
      "memory",
      "platform",
      "mount",
      "label",
      "entrypoint",
    ];
    const { options, words } = parse(args, known);
    const [image = "", ...initArguments] = words;
    if (!images.includes(image)) fail(`notFound: "image ${image} not found"`);
    if (options.cpus !== undefined && !/^\d+$/.test(options.cpus))
      fail("The value for '--cpus' is invalid", 64);
    if (options.memory !== undefined && !/^\d+[KMGTP]?$/.test(options.memory)) fail("invalid memory", 64);
    const id = randomUUID();
    const labels = Object.fromEntries(
      options.label.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
    );
    const initProcess = { executable: options.entrypoint, arguments: initArguments, user: options.user };
    mkdirSync(root, { recursive: true });
    write({
      configuration: { id, image: { reference: image }, labels, initProcess, removed: options.rm === true },
      status: "stopped",
      networks: [],
    });
    console.log(id);
  },
  start: async (args) => {
    const { words } = parse(
      args.map((word) => (word === "-a" ? "--attach" : word)),
      ["attach", "interactive"],
    );
    const [id] = words;
    found(id);
    // The engine's own process, which goes on when this one is killed.
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "supervise", id], {
      detached: true,
      stdio: "inherit",
    });
    await new Promise((resolve) => child.once("exit", resolve));
  },
  supervise: async ([id]) => {
    const container = found(id);
    const { executable, arguments: args, user } = container.configuration.initProcess;
    write({ ...container, status: "running", networks: [{ network: "default", address: "127.0.0.1/24" }] });
    await startProcess(id, [executable, ...args], { user, interactive: true, cwd: "/" });
    await killAll(id);
    rmSync(fileOf(id), { force: true });
  },
  exec: async (args) => {
    const { options, words } = parse(args, ["interactive", "user"]);
    const [id, ...argv] = words;
    const container = running(id);
    const code = await startProcess(id, argv, {
      user: options.user ?? container.configuration.initProcess.user,
      interactive: options.interactive === true,
      cwd: "/",
    });
    process.exit(code);
  },
  list: (args) => {
    const { options } = parse(args, ["all", "format"]);
    if (options.format !== "json") fail("only JSON is spoken here", 64);
    console.log(JSON.stringify(all().filter(({ status }) => options.all === true || status === "running")));
  },
  inspect: ([id]) => {
    const container = found(id);
    // As since release 1.0.
    const { status: state, networks } = container;
    console.log(JSON.stringify([{ configuration: container.configuration, status: { state, networks } }]));
  },
  delete: async (args) => {
    const { options, words } = parse(args, ["force"]);
    const [id] = words;
    const { status } = found(id);
    if (status !== "running") return rmSync(fileOf(id), { force: true });
    if (options.force !== true) fail(`invalidState: "container ${id} is running"`);
    await killAll(id);
    while (existsSync(fileOf(id))) await delay(5);
    return undefined;
  },
};

const [faulty, fault] = (process.env["STAND_IN_APPLE_FAULT"] ?? "").split(":");
if (faulty === command && fault === "refuse")
  fail('internalError: "XPC connection error: Connection invalid"');
if (faulty === command && fault === "malformed") {
  console.log("{ not JSON");
  process.exit(0);
}
if (faulty === command && fault === "silent") await new Promise(() => setInterval(() => undefined, 1000));
if (!Object.hasOwn(commands, command)) fail(`Unknown command '${command}'`, 64);
await commands[command](rest);

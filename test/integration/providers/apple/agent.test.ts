import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SandboxAgent } from "playpen";
import { apple } from "playpen/apple";
import { afterAll, beforeAll } from "vitest";
import { appleProgram, startAppleStandIn, withOwnFolders } from "../../../stand-ins/apple/index.ts";
import { type Leftovers, describeRealAgent } from "../describe-real-agent.ts";
import { killPrograms } from "../kill-programs.ts";

let stop: () => Promise<void>;
let home: string;
beforeAll(async () => {
  stop = await startAppleStandIn();
  home = await mkdtemp(join(tmpdir(), "apple-home-"));
});
afterAll(async () => {
  await stop();
  await rm(home, { recursive: true, force: true });
});

const provider = () => withOwnFolders(apple({ program: appleProgram }));

/** What the program knows of a container, and its processes. */
function container({ sandbox: { id } }: SandboxAgent): Leftovers {
  const isOwn = async (pid: string): Promise<boolean> => {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    return environment.split("\0").includes(`STAND_IN_CONTAINER=${id}`);
  };
  return async () => {
    const left: string[] = [];
    for await (const info of provider().list()) if (info.id === id) left.push(`container ${id}`);
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    for (const pid of pids) if (await isOwn(pid)) left.push(`process ${pid}`);
    return left;
  };
}

describeRealAgent("a real agent in a container of the stand-in for Apple's", {
  provider,
  // The container's users are this machine's, and so would their home folders be.
  env: () => ({ HOME: home }),
  watch: container,
  cuts: [
    {
      when: "the program that carries it is killed",
      cut: ({ sandbox: { id } }) => {
        killPrograms(appleProgram, "exec", id);
      },
    },
    {
      when: "the program that holds the container is killed",
      cut: ({ sandbox: { id } }) => {
        killPrograms(appleProgram, "start", id);
      },
    },
    {
      when: "the program that carries it is killed, in a container that was taken up",
      isTakenUp: true,
      cut: ({ sandbox: { id } }) => {
        killPrograms(appleProgram, "exec", id);
      },
    },
  ],
});

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface GitServer {
  /** Of the one repository, which asks for a name and the token. */
  readonly url: string;
  /** The commits on its branch `main`, the oldest first. */
  readonly commits: readonly string[];
  /** The credentials that came with requests. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

/** Serves a repository of two commits over HTTP by git's own program for that. */
export async function startGitServer(username: string, token: string): Promise<GitServer> {
  const folder = mkdtempSync(join(tmpdir(), "git-server-"));
  const git = (...args: readonly string[]): string => {
    const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    const { status, stdout, stderr } = spawnSync("git", ["-C", folder, ...identity, ...args], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  git("init", "-q", "-b", "main", ".");
  const commits = ["first", "second"].map((content) => {
    writeFileSync(join(folder, "file.txt"), `${content}\n`);
    git("add", "file.txt");
    git("commit", "-q", "-m", content);
    return git("rev-parse", "HEAD");
  });
  git("branch", "-q", "old", commits[0] ?? "");
  git("config", "uploadpack.allowReachableSHA1InWant", "true");
  const expected = `Basic ${Buffer.from(`${username}:${token}`).toString("base64")}`;
  const seen: string[] = [];
  const server = createServer((request, response) => {
    if (request.headers.authorization !== undefined) seen.push(request.headers.authorization);
    if (request.headers.authorization === expected) {
      answer(folder, request, response);
    } else {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/repository`,
    commits,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: join(folder, ".git"),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname.replace("/repository", ""),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      HTTP_GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "test",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.stdout.once("end", () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf("\r\n\r\n");
    const headers = output.toString("latin1", 0, end).split("\r\n");
    for (const header of headers) {
      const [name = "", value = ""] = header.split(": ");
      if (name === "Status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
}

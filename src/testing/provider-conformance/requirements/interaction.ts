import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ExposedPort, FileChange } from "../../../spec/sandbox-abilities.ts";
import { withAbility } from "../ability-of.ts";
import { describeError, expectEqual, expectExit, expectTrue } from "../expectations.ts";
import { expectNoneInside, expectSomeInside, processMark } from "../process-marks.ts";
import type { ProviderContext, ProviderRequirement } from "../requirement.ts";

/** What the host has to do with a running sandbox: its ports, its terminals and the changes of its files. */
export const interactionRequirements: readonly ProviderRequirement[] = [
  {
    id: "ability.expose",
    title: "makes a server's port reachable from the host",
    needs: "expose",
    async run(context) {
      const sandbox = withAbility(await context.create(), "expose");
      const { port, host } = await context.listening();
      const token = randomUUID();
      const args = [String(port), host, token];
      const server = await context.start(sandbox, serverScript, { args });
      expectEqual(await server.line(), "listening", "The first line of a server in the sandbox");
      const exposed = await context.within(sandbox.expose(port), "expose()");
      const url = new URL(exposed.url);
      expectTrue(
        /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "",
        `url: expected an http address without a path, saw ${exposed.url}.`,
      );
      expectEqual(await answerOf(context, exposed), `${token} GET /path`, "What the server answers the host");
      expectEqual((await sandbox.expose(port)).url, exposed.url, "url of the same port again");
      await server.process.kill();
    },
  },
  {
    id: "ability.terminal",
    title: "runs a program on a terminal of the size given, also after resize(), and tells its exit code",
    needs: "terminal",
    async run(context) {
      const sandbox = withAbility(await context.create(), "terminal");
      const script = `
        [ -t 0 ] && [ -t 1 ] && echo "terminal $STAGE in $(pwd)"; stty size
        read -r line; echo "read $line"
        # Some engines set a size a moment after they have said so.
        for round in 1 2 3 4 5 6 7 8 9 10; do [ "$(stty size)" = "31 101" ] || break; sleep 0.2; done
        stty size; exit 7`;
      const terminal = await context.within(
        sandbox.terminal({
          argv: ["/bin/sh", "-c", script],
          cwd: "/tmp",
          env: { STAGE: "one" },
          columns: 101,
          rows: 31,
        }),
        "terminal()",
      );
      const output = readText(terminal.output);
      await context.within(output.until("31 101"), "the terminal's size");
      expectTrue(
        output.text().includes("terminal one in /tmp"),
        `What a program on a terminal says: expected "terminal one in /tmp", saw ${JSON.stringify(output.text())}.`,
      );
      await context.within(terminal.resize({ columns: 120, rows: 40 }), "resize()");
      const writer = terminal.input.getWriter();
      await context.within(writer.write(new TextEncoder().encode("a line\n")), "a write to the terminal");
      await context.within(output.until("read a line"), "what the program has read");
      await context.within(output.until("40 120"), "the terminal's size after resize()");
      const exit = await context.within(terminal.exited, "the end of the program on the terminal");
      expectExit(context.provider, exit, 7, "The end of a program on a terminal");
      await context.within(output.ended, "the end of the terminal's output");
    },
  },
  {
    id: "ability.terminal-kill",
    title: "ends a terminal with all that runs on it at kill()",
    needs: "terminal",
    async run(context) {
      const sandbox = withAbility(await context.create(), "terminal");
      const mark = processMark();
      const terminal = await context.within(sandbox.terminal({ env: mark.env }), "terminal()");
      const output = readText(terminal.output);
      const writer = terminal.input.getWriter();
      // The echo of the line has the word in two parts.
      const line = 'sleep 300 & echo "rea""dy"; sleep 300\n';
      await context.within(writer.write(new TextEncoder().encode(line)), "a write to the terminal");
      await context.within(output.until("ready"), "the shell of the terminal");
      await expectSomeInside(context, sandbox, mark, 2);
      await context.within(terminal.kill(), "kill() of the terminal");
      await context.within(terminal.exited, "the end of the terminal");
      await context.within(output.ended, "the end of the terminal's output");
      await expectNoneInside(context, sandbox, mark, "After kill() of a terminal");
      await context.within(terminal.kill(), "kill() of a terminal that has ended");
    },
  },
  {
    id: "ability.watch",
    title: "tells of files that were created, changed and removed below a folder",
    needs: "watch",
    async run(context) {
      const sandbox = withAbility(await context.create(), "watch");
      await context.text(sandbox, "mkdir -p below/deeper");
      const abort = new AbortController();
      const changes: FileChange[] = [];
      let wake: () => void = () => undefined;
      const watched = (async () => {
        for await (const change of sandbox.watch(sandbox.cwd, { signal: abort.signal })) {
          changes.push(change);
          wake();
        }
      })();
      watched.catch(() => undefined);
      const path = (name: string): string => `${sandbox.cwd}/${name}`;
      const seen = (name: string, type: FileChange["type"]): boolean =>
        changes.some((change) => change.path === path(name) && change.type === type);
      const awaitChange = async (name: string, type: FileChange["type"]): Promise<void> => {
        const known = new Promise<void>((resolve) => {
          wake = () => {
            if (seen(name, type)) resolve();
          };
          wake();
        });
        await context.within(Promise.race([known, watched.then(() => known)]), `"${type}" of ${path(name)}`);
      };
      // Nobody can tell when a watch has begun but by what it sees.
      for (let attempt = 0; !changes.some(({ path: at }) => at.includes("/probe-")); attempt++) {
        expectTrue(attempt < context.patienceMs / 100, "watch(): expected a new file to be told, saw none.");
        await context.text(sandbox, `touch probe-${String(attempt)}`);
        await delay(100);
      }
      for (const name of ["file", "below/deeper/file"]) {
        await context.text(sandbox, 'echo one > "$1"', { args: [name] });
        await awaitChange(name, "created");
        await context.text(sandbox, 'echo two >> "$1"', { args: [name] });
        await awaitChange(name, "changed");
        await context.text(sandbox, 'rm "$1"', { args: [name] });
        await awaitChange(name, "removed");
      }
      abort.abort();
      await context.within(
        watched.catch((error: unknown) => {
          if (error !== abort.signal.reason) throw error;
        }),
        "the end of the watch after the abort",
      );
    },
  },
];

/** With Node, or with Python where there is none. */
const serverScript = `
port=$1 host=$2 token=$3
if command -v node >/dev/null; then
  exec node -e '
    const [port, host, token] = process.argv.slice(1);
    require("node:http")
      .createServer((request, response) => response.end(token + " " + request.method + " " + request.url))
      .listen(Number(port), host, () => console.log("listening"));' "$port" "$host" "$token"
fi
exec python3 -c '
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write((sys.argv[3] + " GET " + self.path).encode())
server = http.server.HTTPServer((sys.argv[2], int(sys.argv[1])), Answer)
print("listening", flush=True)
server.serve_forever()' "$port" "$host" "$token"
`;

/** A vendor's proxy may take a moment to learn of a port. */
async function answerOf(context: ProviderContext, { url, headers = {} }: ExposedPort): Promise<string> {
  const end = performance.now() + context.patienceMs;
  for (;;) {
    try {
      const response = await fetch(`${url.replace(/\/$/, "")}/path`, {
        headers,
        signal: AbortSignal.timeout(context.patienceMs),
      });
      const text = await response.text();
      if (response.ok) return text;
      throw new Error(`the status ${String(response.status)}: ${text.slice(0, 200)}`);
    } catch (error) {
      if (performance.now() > end) throw new Error(`A request to ${url} brought ${describeError(error)}.`);
      await delay(100);
    }
  }
}

interface TextReading {
  text(): string;
  /** Resolves when the text has come; rejects when the stream ends before. */
  until(part: string): Promise<void>;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;
}

function readText(stream: ReadableStream<Uint8Array>): TextReading {
  const decoder = new TextDecoder();
  let text = "";
  let wake: () => void = () => undefined;
  let isOver = false;
  const ended = (async () => {
    try {
      for await (const chunk of stream) {
        text += decoder.decode(chunk, { stream: true });
        wake();
      }
    } finally {
      isOver = true;
      wake();
    }
  })();
  ended.catch(() => undefined);
  return {
    text: () => text,
    ended,
    async until(part) {
      while (!text.includes(part)) {
        if (isOver) throw new Error(`The output ended where ${part} was expected: ${JSON.stringify(text)}.`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

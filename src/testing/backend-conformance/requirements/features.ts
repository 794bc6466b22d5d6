import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { type BackendContext, type BackendRequirement, eventsOf } from "../requirement.ts";

/** A PNG of two by two pixels. */
const image =
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEUlEQVR4nGP4z8DA8B+MgBgAHfAD/dPQfSYAAAAASUVORK5CYII=";

export const featureRequirements: readonly BackendRequirement[] = [
  {
    id: "secret.hidden",
    title: "shows the key in no event, in no error and in no argument of a process",
    async run(context) {
      const session = await context.session();
      const turn = context.begin(session, "!shell env; touch began; until [ -e go-on ]; do sleep 0.05; done");
      await context.shell("until [ -e began ]; do sleep 0.05; done");
      // The first character stands in brackets, so that the search does not find itself.
      const pattern = `[${context.apiKey.slice(0, 1)}]${context.apiKey.slice(1)}`;
      const shown = await context.shell(`grep -lsa -- "${pattern}" /proc/[0-9]*/cmdline || true`);
      expectEqual(shown, "", "Processes with the key in an argument");
      await context.shell("touch go-on");
      await context.within(Promise.resolve(turn), "the end of the turn");
      await context.play(session, `!status 401 ${context.apiKey} is no valid key`);
      const events = JSON.stringify(await context.close(session));
      expectTrue(!events.includes(context.apiKey), `The key is shown: ${around(events, context.apiKey)}`);
    },
  },
  {
    id: "usage.turn",
    title: "counts the tokens of each turn by itself",
    needs: ["usage"],
    async run(context) {
      const session = await context.session();
      const prompt = "!usage input=100 output=10\n!text";
      const first = await context.complete(session, `${prompt} One.`);
      const second = await context.complete(session, `${prompt} Two.`);
      const counts = [first, second].map(({ result: { usage } }) => [usage.inputTokens, usage.outputTokens]);
      expectEqual(
        counts,
        [
          [100, 10],
          [100, 10],
        ],
        "The input and output tokens of the turns",
      );
    },
  },
  {
    id: "usage.several-requests",
    title: "counts all requests of a turn",
    needs: ["usage"],
    async run(context) {
      const session = await context.session();
      const { result } = await context.complete(
        session,
        "!usage input=100 output=10\n!shell true\n!text Two.",
      );
      const { inputTokens, outputTokens } = result.usage;
      expectEqual([inputTokens, outputTokens], [200, 20], "The input and output tokens of the turn");
    },
  },
  {
    id: "usage.resume",
    title: "does not count the past of a session that is taken up",
    needs: ["usage", "resume"],
    async run(context) {
      const first = await context.session();
      await context.complete(first, "!usage input=100 output=10\n!text One.");
      const resume = first.nativeSessionId ?? "";
      await context.close(first);
      const second = await context.session({ resume });
      const { result } = await context.complete(second, "!usage input=30 output=3\n!text Two.");
      const { inputTokens, outputTokens } = result.usage;
      expectEqual([inputTokens, outputTokens], [30, 3], "The input and output tokens of the turn");
    },
  },
  {
    id: "cost.turn",
    title: "tells what each turn has cost by itself",
    needs: ["cost"],
    async run(context) {
      const session = await context.session();
      const prompt = "!usage input=1000 output=100\n!text";
      const costs: number[] = [];
      for (const word of ["One.", "Two."]) {
        const { result } = await context.complete(session, `${prompt} ${word}`);
        expectTrue(result.costUsd !== undefined, "Expected costUsd, saw none.");
        costs.push(result.costUsd);
      }
      const [first = 0, second = 0] = costs;
      expectTrue(first > 0, `Expected a cost above 0, saw ${String(first)}.`);
      expectTrue(
        Math.abs(first - second) < first / 100,
        `Expected the same cost for each turn, saw ${costs.join(" and ")}.`,
      );
    },
  },
  {
    id: "image.shown",
    title: "hands an image of the prompt on to the model",
    needs: ["images"],
    async run(context) {
      const session = await context.session();
      const data = new Uint8Array(Buffer.from(image, "base64"));
      await context.complete(session, [
        { type: "text", text: "!text Seen." },
        { type: "image", data, mediaType: "image/png" },
      ]);
      // An agent may write the image anew, so that its bytes are others.
      const isShown = bodies(context).some((body) => /"[^"]*image\/(?:png|jpeg|webp)[;"]/.test(body));
      expectTrue(isShown, "Expected an image in a request to the model, saw none.");
    },
  },
  {
    id: "system-prompt.append",
    title: "adds to the agent's own instructions",
    needs: ["systemPrompt:append"],
    async run(context) {
      const session = await context.session({ systemPrompt: { append: "Conformance rule 4711." } });
      await context.complete(session, "!text Yes.");
      const isTold = bodies(context).some((body) => body.includes("Conformance rule 4711."));
      expectTrue(isTold, "Expected the added instruction in a request to the model, saw none.");
    },
  },
  {
    id: "system-prompt.replace",
    title: "replaces the agent's own instructions",
    needs: ["systemPrompt:replace"],
    async run(context) {
      await context.complete(await context.session(), "!text Own.");
      const own = Math.max(...bodies(context).map(({ length }) => length));
      const before = context.server.requests.length;
      const session = await context.session({ systemPrompt: { replace: "Conformance rule 4711." } });
      await context.complete(session, "!text Yes.");
      const told = bodies(context)
        .slice(before)
        .filter((body) => body.includes("Conformance rule 4711."));
      const length = Math.max(0, ...told.map((body) => body.length));
      expectTrue(length > 0, "Expected the instruction in a request to the model, saw none.");
      expectTrue(
        length < own - 500,
        `Expected requests shorter than ${String(own)} characters, saw ${String(length)}.`,
      );
    },
  },
  {
    id: "model.set",
    title: "uses another model from the next turn on",
    needs: ["setModel"],
    async run(context) {
      const session = await context.session();
      await context.complete(session, "!text One.");
      const before = context.server.requests.length;
      await context.within(session.setModel(context.otherModel), "the change of the model");
      await context.complete(session, "!text Two.");
      const name = context.otherModel.split("/").at(-1) ?? "";
      const asked = context.server.requests.slice(before).filter(({ side }) => side === undefined);
      const isUsed = asked.some(({ path, body }) => path.includes(name) || body["model"] === name);
      expectTrue(
        isUsed,
        `Expected a request to the model ${name}, saw ${JSON.stringify(asked.map(({ path, body }) => [path, body["model"]]))}.`,
      );
    },
  },
  {
    id: "model.list",
    title: "tells which models the CLI offers",
    needs: ["models:cli"],
    async run(context) {
      const session = await context.session();
      const { source, models } = await context.within(session.models(), "the list of models");
      expectEqual(source, "cli", "The source of the list");
      const ids = models.map(({ id }) => id);
      expectTrue(ids.length > 0, "The list is empty.");
      expectEqual(ids.length, new Set(ids).size, "The number of different models");
    },
  },
  {
    id: "thinking.levels",
    title: "runs at every level of thinking that it declares",
    needs: ["thinking"],
    async run(context) {
      for (const thinking of context.backend.capabilities.thinking) {
        const session = await context.session({ thinking });
        context.follow(() => [{ type: "text", text: `At ${thinking}.` }]);
        const { result } = await context.complete(session, "Think.");
        expectEqual(result.text, `At ${thinking}.`, "The text of the turn");
        await context.close(session);
      }
    },
  },
  {
    id: "mode.each",
    title: "starts in every mode of work that it declares",
    needs: ["agentModes"],
    async run(context) {
      for (const agentMode of context.backend.capabilities.agentModes) {
        const session = await context.session({ agentMode });
        // An agent may say more than the prompt in such a mode, so that no directive is read from it.
        context.follow(() => [{ type: "text", text: `As ${agentMode}.` }]);
        const { result } = await context.complete(session, "Work.");
        expectEqual(result.text, `As ${agentMode}.`, "The text of the turn");
        await context.close(session);
      }
    },
  },
  {
    id: "tools.allowed",
    title: "uses only the tools that a session allows",
    needs: ["allowedTools"],
    async run(context) {
      const open = await context.session();
      const { events } = await context.complete(open, "!shell touch by-shell\n!text Done.");
      const [shell] = eventsOf(events, "tool.started");
      expectTrue(shell !== undefined, "Expected a tool call, saw none.");
      const confined = await context.session({ allowedTools: [shell.name] });
      await context.play(confined, "!shell touch by-allowed-shell\n!text Done.");
      const barred = await context.session({ allowedTools: ["no-such-tool"] });
      await context.play(barred, "!shell touch by-barred-shell\n!text Done.");
      const box = await context.box();
      const made = (await box.files.list(".")).map(({ path }) => path.split("/").at(-1));
      expectTrue(made.includes("by-allowed-shell"), "The tool that is allowed did not run.");
      expectTrue(!made.includes("by-barred-shell"), "A tool that is not allowed ran.");
    },
  },
  {
    id: "skills.offered",
    title: "offers the skills of the session to the model",
    needs: ["skills"],
    async run(context) {
      const description = "Use this for conformance rule 4711.";
      const skill = `---\nname: conformance\ndescription: ${description}\n---\nDo what the rule says.\n`;
      const session = await context.session({
        skills: [{ name: "conformance", files: { "SKILL.md": skill } }],
      });
      await context.complete(session, "!text Yes.");
      const isOffered = bodies(context).some((body) => body.includes(description));
      expectTrue(isOffered, "Expected the skill's description in a request to the model, saw none.");
    },
  },
];

function bodies({ server }: BackendContext): readonly string[] {
  return server.requests.map(({ body }) => JSON.stringify(body));
}

function around(text: string, found: string): string {
  const index = text.indexOf(found);
  return text.slice(Math.max(0, index - 200), index + found.length + 100);
}

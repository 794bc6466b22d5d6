import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../errors/error-text.ts";
import { abortable, deferred, type Deferred } from "../kit/deferred.ts";
import { isJsonObject, stringField } from "../kit/json.ts";
import { type OptionCheck, show, validateOptions } from "../kit/validate-options.ts";
import type { AgentBackend } from "../spec/backend.ts";
import { type AgentEventBody, endsTurn, type TurnErrorInfo } from "../spec/events.ts";
import { memorySandbox, type MemorySandboxProvider } from "./memory-sandbox.ts";
import { scriptProblem } from "./script-problem.ts";
import {
  scriptedAgent,
  scriptedBackend,
  scriptedBackendChecks,
  type ScriptedAgent,
  type ScriptedBackendOptions,
  type ScriptedInput,
} from "./scripted-backend.ts";

/** Something that goes wrong at its place in the script. */
export type ScriptedFault =
  /** The CLI ends in the middle of the turn. Default exit code 1. */
  | { readonly fault: "crash"; readonly exitCode?: number; readonly stderr?: string }
  /** The CLI says nothing more. `stubborn`: it also ignores an interrupt, so that it has to be killed. */
  | { readonly fault: "hang"; readonly stubborn?: boolean }
  /** The CLI prints something that is not its protocol. */
  | { readonly fault: "garbage"; readonly line?: string }
  /** The sandbox is gone, as when its machine crashes. */
  | { readonly fault: "lose-sandbox" };

/** What a scripted agent does next: an event, a pause, or a fault. */
export type ScriptedStep = AgentEventBody | { readonly pauseMs: number } | ScriptedFault;

/** What a scripted agent does in one turn. */
export type Script = readonly ScriptedStep[];

/** What `scripted` plays. */
export interface ScriptedOptions extends ScriptedBackendOptions {
  /**
   * What happens in a turn: one list for every turn, or a function that is given the text of the prompt and how many
   * came before it in the session. A script without an event that ends the turn completes it.
   */
  readonly events: Script | ((prompt: string, index: number) => Script);
  /** The session does not start, for this reason. */
  readonly startError?: TurnErrorInfo;
}

/** A backend and a sandbox for it, with nothing real behind them. */
export interface Scripted {
  readonly agent: AgentBackend;
  readonly sandbox: MemorySandboxProvider;
}

/**
 * Makes an agent that plays a list of events, and an in-memory sandbox that it runs in: for the tests of a host
 * program, which then run without a CLI, a model or a container. Everything between the agent's output and the host
 * program is the library itself.
 *
 * After `permission.requested` and `question.requested` the script waits for the answer; a tool call that is denied
 * completes as `"denied"`, whatever the script says. An interrupt ends the turn wherever the script is.
 *
 * @example
 * ```ts
 * const { sandbox, agent } = scripted({
 *   events: [
 *     { type: "message.delta", messageId: "1", text: "Hello." },
 *     { fault: "crash", exitCode: 137 },
 *   ],
 * });
 * await using box = await SandboxAgent.start({ sandbox, agent });
 * const session = await box.createSession();
 * await assert.rejects(session.prompt("Hi."), { code: "agent_exited" });
 * ```
 */
export function scripted(options: ScriptedOptions): Scripted {
  checkScripted(options);
  const { events, startError, ...backend } = options;
  const scriptOf = typeof events === "function" ? events : (): Script => events;
  const sandbox: MemorySandboxProvider = memorySandbox({
    programs: {
      "scripted-agent": (process) => {
        const player = new Player(scriptOf, startError, () => {
          void loseAll(sandbox);
        });
        return scriptedAgent((input, agent) => player.handle(input, agent))(process);
      },
    },
  });
  return { agent: scriptedBackend(backend), sandbox };
}

function checkScripted(options: unknown): void {
  const areEvents: OptionCheck = (value) =>
    typeof value === "function" || Array.isArray(value)
      ? undefined
      : "an array of events, or a function that gives one";
  validateOptions("scripted()", options, {
    ...scriptedBackendChecks,
    events: areEvents,
    startError: (value) =>
      isJsonObject(value) && typeof value["code"] === "string" && typeof value["message"] === "string"
        ? undefined
        : "an object with code, message and retryable",
  });
  const events = isJsonObject(options) ? options["events"] : undefined;
  if (events === undefined)
    throw new TypeError(
      `scripted(): option "events" must be ${String(areEvents(events))}, received undefined.`,
    );
  const problem = Array.isArray(events) ? scriptProblem(events) : undefined;
  if (problem !== undefined) throw new TypeError(`scripted(): option "events": ${problem}.`);
}

/** @throws TypeError when a function gives what cannot be played. */
function checkedScript(script: unknown): void {
  const problem = Array.isArray(script)
    ? scriptProblem(script)
    : `must give an array of events, received ${show(script)}`;
  if (problem !== undefined) throw new TypeError(`scripted(): the function "events": ${problem}.`);
}

async function loseAll(sandbox: MemorySandboxProvider): Promise<void> {
  for await (const { id } of sandbox.list()) sandbox.lose(id);
}

/** Plays the scripts of one process. */
class Player {
  readonly #scriptOf: (prompt: string, index: number) => Script;
  readonly #startError: TurnErrorInfo | undefined;
  readonly #loseSandbox: () => void;
  readonly #answers = new Map<string, Deferred<boolean>>();
  readonly #denied = new Set<string>();
  #turns = 0;
  #playing: AbortController | undefined;
  #isStubborn = false;

  constructor(
    scriptOf: (prompt: string, index: number) => Script,
    startError: TurnErrorInfo | undefined,
    loseSandbox: () => void,
  ) {
    this.#scriptOf = scriptOf;
    this.#startError = startError;
    this.#loseSandbox = loseSandbox;
  }

  async handle(input: ScriptedInput, agent: ScriptedAgent): Promise<number | boolean | undefined> {
    switch (input.type) {
      case "open":
        if (this.#startError === undefined) return undefined;
        await agent.say({ startError: this.#startError });
        return 1;
      case "prompt":
        return this.#playPrompt(input.text, agent);
      case "interrupt":
        if (this.#playing === undefined || this.#isStubborn) return undefined;
        this.#playing.abort();
        await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
        return undefined;
      case "reply":
        this.#answered(input.answer);
        return undefined;
      case "request":
        await agent.say({ responses: [{ id: input.request.id }] });
        return undefined;
      case "tick":
        return undefined;
    }
  }

  /** A script that cannot be had is a CLI that crashes, and says on its standard error why. */
  async #playPrompt(prompt: string, agent: ScriptedAgent): Promise<number | undefined> {
    let script: Script;
    try {
      script = this.#scriptOf(prompt, this.#turns++);
      checkedScript(script);
    } catch (error) {
      await agent.process.writeError(`${errorText(error)}\n`);
      return 1;
    }
    return this.#play(script, agent);
  }

  async #play(script: Script, agent: ScriptedAgent): Promise<number | undefined> {
    const playing = new AbortController();
    this.#playing = playing;
    this.#isStubborn = false;
    try {
      for (const step of script) {
        const exitCode = await this.#step(step, agent, playing.signal);
        if (exitCode !== undefined) return exitCode;
        if (playing.signal.aborted) return undefined;
      }
      const isEnded = script.some((step) => "type" in step && endsTurn(step.type));
      if (!isEnded) await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
      return undefined;
    } catch (error) {
      if (playing.signal.aborted) return undefined;
      throw error;
    } finally {
      if (this.#playing === playing) this.#playing = undefined;
    }
  }

  async #step(step: ScriptedStep, agent: ScriptedAgent, signal: AbortSignal): Promise<number | undefined> {
    if ("pauseMs" in step) {
      await delay(step.pauseMs, undefined, { signal });
      return undefined;
    }
    if ("fault" in step) return this.#fail(step, agent, signal);
    if (step.type === "permission.requested" || step.type === "question.requested") {
      const answer = deferred<boolean>();
      this.#answers.set(step.requestId, answer);
      await agent.say({ events: [step] });
      const isAllowed = await abortable(answer.promise, signal);
      if (step.type === "permission.requested" && !isAllowed && step.tool.toolCallId !== undefined)
        this.#denied.add(step.tool.toolCallId);
      return undefined;
    }
    const isDenied = step.type === "tool.completed" && this.#denied.delete(step.toolCallId);
    await agent.say({ events: [isDenied ? { ...step, status: "denied", output: "" } : step] });
    return undefined;
  }

  async #fail(fault: ScriptedFault, agent: ScriptedAgent, signal: AbortSignal): Promise<number | undefined> {
    switch (fault.fault) {
      case "crash":
        if (fault.stderr !== undefined) await agent.process.writeError(fault.stderr);
        return fault.exitCode ?? 1;
      case "hang":
        this.#isStubborn = fault.stubborn ?? false;
        return abortable(new Promise<never>(() => undefined), signal);
      case "garbage":
        await agent.process.write(`${fault.line ?? "\u0000 this is no protocol {"}\n`);
        return undefined;
      case "lose-sandbox":
        this.#loseSandbox();
        return abortable(new Promise<never>(() => undefined), signal);
    }
  }

  #answered(answer: unknown): void {
    if (!isJsonObject(answer)) return;
    const requestId = stringField(answer, "requestId") ?? "";
    this.#answers.get(requestId)?.resolve(answer["outcome"] !== "deny");
    this.#answers.delete(requestId);
  }
}

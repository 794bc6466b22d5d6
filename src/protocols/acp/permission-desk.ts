import { arrayField, objectField, stringField } from "../../kit/json.ts";
import type { HostAnswer } from "../../spec/backend.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { JsonRpcId } from "../json-rpc.ts";

type OptionKind = "allow_once" | "allow_always" | "reject_once" | "reject_always";

interface Option {
  readonly optionId: string;
  readonly kind: string | undefined;
}

export interface PendingPermission {
  readonly id: JsonRpcId;
  readonly requestId: string;
  readonly toolCallId: string;
  readonly options: readonly Option[];
}

/** What to answer, and whether that lets the tool run. */
export interface PermissionAnswer {
  readonly result: JsonObject;
  readonly isAllowed: boolean;
  /** Why the answer is not what was wanted. */
  readonly problem?: string;
}

export const cancelled: JsonObject = { outcome: { outcome: "cancelled" } };

/** The permissions that an agent waits for. Options are known by what they do: their ids and names are the agent's own. */
export class PermissionDesk {
  readonly #pending = new Map<string, PendingPermission>();
  #process = 0;
  #count = 0;

  startProcess(): void {
    this.#process += 1;
    this.#pending.clear();
  }

  add(id: JsonRpcId, toolCallId: string, params: JsonObject): PendingPermission {
    const requestId = `${this.#process}.${++this.#count}`;
    const pending = { id, requestId, toolCallId, options: optionsOf(params) };
    this.#pending.set(requestId, pending);
    return pending;
  }

  take(requestId: string): PendingPermission | undefined {
    const pending = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    return pending;
  }

  takeAll(): readonly PendingPermission[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    return all;
  }
}

export function optionsOf(params: JsonObject): readonly Option[] {
  return arrayField(params, "options").flatMap((option): Option[] => {
    const optionId = stringField(option, "optionId");
    return optionId === undefined ? [] : [{ optionId, kind: stringField(option, "kind") }];
  });
}

export function canRemember(options: readonly Option[]): boolean {
  return options.some(({ kind }) => kind === "allow_always");
}

/** The agent's option for the host's answer. */
export function permissionAnswer(
  options: readonly Option[],
  answer: Extract<HostAnswer, { type: "permission" }>,
): PermissionAnswer {
  if (answer.outcome === "deny") return rejection(options);
  // An allowance for good is never given in place of one for once: later calls would not be asked for.
  const kind = answer.remember === true && canRemember(options) ? "allow_always" : "allow_once";
  const chosen = select(options, kind);
  if (chosen !== undefined) return { result: chosen, isAllowed: true };
  const problem = "The agent offers no option to allow this call once, so it was denied.";
  return { ...rejection(options), problem };
}

/** The answer where every call is allowed: there an allowance for good is as well. */
export function allowance(params: JsonObject): PermissionAnswer {
  const options = optionsOf(params);
  const chosen = select(options, "allow_once") ?? select(options, "allow_always");
  if (chosen !== undefined) return { result: chosen, isAllowed: true };
  const problem = "The agent offers no option to allow this call, so it was denied.";
  return { ...rejection(options), problem };
}

export function rejection(options: readonly Option[]): PermissionAnswer {
  const chosen = select(options, "reject_once") ?? select(options, "reject_always");
  return { result: chosen ?? cancelled, isAllowed: false };
}

function select(options: readonly Option[], kind: OptionKind): JsonObject | undefined {
  const option = options.find((candidate) => candidate.kind === kind);
  return option === undefined ? undefined : { outcome: { outcome: "selected", optionId: option.optionId } };
}

/** The call that a permission is asked for. */
export function requestedCall(params: JsonObject): JsonObject {
  return objectField(params, "toolCall");
}

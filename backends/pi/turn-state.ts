import { booleanField, numberField, type JsonObject } from "../../src/kit.ts";

/** The running turn, as its host began it. It may take several runs of the agent. */
export class TurnState {
  isInterrupting = false;
  /** Steering messages that Pi has not confirmed yet. */
  steering = 0;
  /** The number of the newest question about Pi's state: older answers say nothing any more. */
  asked = 0;
  /** How often Pi said that it was idle although something should still come. */
  doubts = 0;
}

/** What Pi says of itself when it is asked. */
export interface PiState {
  readonly isBusy: boolean;
  /** Messages that wait for the agent. */
  readonly pending: number;
}

export function piState(data: JsonObject): PiState {
  return {
    isBusy: booleanField(data, "isStreaming") === true || booleanField(data, "isCompacting") === true,
    pending: numberField(data, "pendingMessageCount") ?? 0,
  };
}

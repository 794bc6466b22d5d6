import type { StandInPod } from "./pod.ts";

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: object;
}

interface Change extends WatchEvent {
  readonly version: number;
  readonly name: string;
}

/** How many are remembered; whoever asks for older ones begins with what there is. */
const mostChanges = 1000;

/** The changes of all pods, each of which is a version of the whole cluster. */
export class Changes {
  readonly #changes: Change[] = [];
  readonly #followers = new Set<(change: Change) => void>();
  #version = 100;

  add(type: WatchEvent["type"], pod: StandInPod): void {
    const version = ++this.#version;
    pod.resourceVersion = String(version);
    const change = { type, version, name: pod.manifest.name, object: pod.toJson() };
    this.#changes.push(change);
    if (this.#changes.length > mostChanges) this.#changes.shift();
    for (const follow of this.#followers) follow(change);
  }

  /** Tells what came after a version; without one, first what there is. */
  follow(
    from: {
      readonly name: string;
      readonly version: string | undefined;
      readonly pods: readonly StandInPod[];
    },
    tell: (event: WatchEvent) => void,
  ): () => void {
    const follow = ({ type, name, object }: Change): void => {
      if (name === from.name) tell({ type, object });
    };
    if (from.version === undefined) {
      for (const pod of from.pods) tell({ type: "ADDED", object: pod.toJson() });
    } else {
      for (const change of this.#changes) if (change.version > Number(from.version)) follow(change);
    }
    this.#followers.add(follow);
    return () => this.#followers.delete(follow);
  }
}

import { randomUUID } from "node:crypto";
import type { Fleet } from "../kit/fleet.ts";
import { HttpError } from "../kit/http-server.ts";
import type { StandInMachine } from "../kit/machines.ts";
import type { VercelProcess } from "./command.ts";

export interface VercelRequest {
  readonly name: string;
  readonly timeoutMs: number;
  readonly vcpus: number;
  readonly region: string;
  readonly ports: readonly number[];
  readonly tags: { readonly [name: string]: string };
  readonly persistent: boolean;
  readonly sourceSnapshotId: string | undefined;
}

/** One sandbox of the stand-in, with its only session: what has ended is not taken up again. */
export class VercelRecord {
  readonly name: string;
  readonly machine: StandInMachine;
  readonly sessionId = `sess_${randomUUID()}`;
  readonly commands = new Map<string, VercelProcess>();
  readonly persistent: boolean;
  ports: readonly number[];
  tags: { readonly [name: string]: string };
  networkPolicy: object = { mode: "allow-all" };
  status: "running" | "stopped" = "running";
  timeoutMs: number;
  snapshotId: string | undefined;
  updatedAt = Date.now();
  readonly #request: VercelRequest;

  private constructor(request: VercelRequest, machine: StandInMachine) {
    this.#request = request;
    this.name = request.name;
    this.machine = machine;
    this.ports = request.ports;
    this.tags = request.tags;
    this.timeoutMs = request.timeoutMs;
    this.persistent = request.persistent;
    this.#settleEnd();
  }

  static async create(
    request: VercelRequest,
    { fleet, files }: { readonly fleet: Fleet; readonly files: string | undefined },
  ): Promise<VercelRecord> {
    return new VercelRecord(
      request,
      await fleet.create({ env: { USER: "root" }, ...(files === undefined ? {} : { files }) }),
    );
  }

  extend(durationMs: number, mostMs: number): void {
    if (this.timeoutMs + durationMs > mostMs)
      throw new HttpError(400, "The timeout exceeds your plan's limit.");
    this.timeoutMs += durationMs;
    this.#settleEnd();
  }

  async stop(): Promise<void> {
    this.status = "stopped";
    this.updatedAt = Date.now();
    await this.machine.destroy();
  }

  describe(): object {
    const { vcpus, region } = this.#request;
    return {
      name: this.name,
      persistent: this.persistent,
      region,
      vcpus,
      memory: vcpus * 2048,
      timeout: this.timeoutMs,
      createdAt: this.machine.createdAt,
      updatedAt: this.updatedAt,
      currentSessionId: this.sessionId,
      ...(this.snapshotId === undefined ? {} : { currentSnapshotId: this.snapshotId }),
      status: this.status,
      cwd: this.machine.folder,
      tags: this.tags,
    };
  }

  describeSession(): object {
    const { vcpus, region, sourceSnapshotId } = this.#request;
    const { createdAt, folder } = this.machine;
    return {
      id: this.sessionId,
      memory: vcpus * 2048,
      vcpus,
      region,
      timeout: this.timeoutMs,
      status: this.status,
      requestedAt: createdAt,
      startedAt: createdAt,
      createdAt,
      updatedAt: this.updatedAt,
      cwd: folder,
      networkPolicy: this.networkPolicy,
      ...(sourceSnapshotId === undefined ? {} : { sourceSnapshotId }),
    };
  }

  describeRoutes(): object[] {
    return this.ports.map((port) => ({
      url: `http://127.0.0.1:${port}`,
      subdomain: `sb-${port}-${this.sessionId.slice(-6)}`,
      port,
    }));
  }

  #settleEnd(): void {
    const leftMs = this.machine.createdAt + this.timeoutMs - Date.now();
    this.machine.setTimeToLive(Math.max(0, leftMs), () => this.stop());
  }
}

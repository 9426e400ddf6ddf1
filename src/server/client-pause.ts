/**
 * CLIENT PAUSE: for a while, clients that want to write (or all of them) are kept waiting, and the data stands still:
 * no key expires, none is evicted, and clients that wait for a key are not served. Then the commands are executed in
 * the order in which they came.
 */
import type { PauseAccess, PauseMode } from "../commands/services.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";
import { isExec } from "./transactions.ts";

export interface ClientPauseParts {
  readonly keyspace: Keyspace;
  /** Whether a command that runs scripts may change data with this request: its script may say that it only reads. */
  readonly mayScriptWrite: (command: CompiledCommand, request: Request) => boolean;
  /** Lets a client go on, at the end of the turn. */
  readonly resume: (connection: Connection) => void;
  readonly scheduleTurnEnd: () => void;
}

export class ClientPause implements PauseAccess {
  isOn = false;
  private readonly parts: ClientPauseParts;
  private isForAll = false;
  private endMs = 0;
  private waiting: Connection[] = [];

  constructor(parts: ClientPauseParts) {
    this.parts = parts;
  }

  begin(mode: PauseMode, timeoutMs: number, isExecuting: boolean): void {
    const { keyspace } = this.parts;
    // As in Redis, 0 is a time long ago.
    const endMs = timeoutMs === 0 ? 0 : keyspace.nowMs + timeoutMs;
    this.isForAll = mode === "all" || (this.isOn && this.isForAll);
    this.endMs = this.isOn ? Math.max(this.endMs, endMs) : endMs;
    this.isOn = true;
    const hold = () => {
      keyspace.isStill = this.isOn;
    };
    // The rest of a transaction may still write.
    if (isExecuting) queueMicrotask(hold);
    else hold();
  }

  end(): void {
    if (!this.isOn) return;
    this.isOn = false;
    this.parts.keyspace.isStill = false;
    const { waiting } = this;
    this.waiting = [];
    for (const connection of waiting) {
      connection.isPostponed = false;
      this.parts.resume(connection);
    }
    // Others may wait for keys that have come meanwhile.
    this.parts.scheduleTurnEnd();
  }

  /** Ends a pause whose time is over. */
  endIfOver(): void {
    if (this.isOn && this.endMs < this.parts.keyspace.nowMs) this.end();
  }

  /** Whether the client's command has to wait for the end of the pause; then it is parked. */
  postpones(command: CompiledCommand, request: Request, connection: Connection): boolean {
    this.endIfOver();
    if (!this.isOn || connection.isReplay || connection.isReplica) return false;
    if (!this.isForAll && !this.mayWrite(command, request, connection)) return false;
    connection.parkAgain();
    connection.isPostponed = true;
    this.waiting.push(connection);
    return true;
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    if (!connection.isPostponed) return;
    this.waiting = this.waiting.filter((each) => each !== connection);
  }

  private mayWrite(command: CompiledCommand, request: Request, { transaction }: Connection): boolean {
    if (isExec(command) && transaction !== undefined) {
      const { commands, requests } = transaction;
      return commands.some((queued, i) => this.mayWriteAlone(queued, requests[i]));
    }
    return this.mayWriteAlone(command, request);
  }

  private mayWriteAlone(command: CompiledCommand, request: Request): boolean {
    if (command.runsScripts) return this.parts.mayScriptWrite(command, request);
    return command.mayHaveEffects;
  }
}

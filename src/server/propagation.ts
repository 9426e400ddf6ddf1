/**
 * Effects of commands on their way to the append-only file. With `appendonly no` there is no writer, and nothing to
 * do.
 */
import type { ArgumentEdits } from "../commands/argument-edits.ts";
import type { CommandContext } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { AofEncoder } from "../persistence/aof/encoder.ts";
import type { AofWriter } from "../persistence/aof/writer.ts";
import type { Request } from "../protocol/request.ts";
import type { GroupedEffects } from "./transactions.ts";

type EffectsContext = Pick<CommandContext, "request" | "client"> & {
  readonly command: CompiledCommand | undefined;
};

export class Propagation implements GroupedEffects {
  /** Absent while the append-only file is off, and while it is being loaded. */
  writer: AofWriter | undefined;
  /** Changes since the last save, as INFO's rdb_changes_since_last_save counts them. */
  changes = 0;
  private isMuted = false;
  /** How many of them no command made. */
  private removals = 0;
  /** While effects are private: what there was before. */
  private outside: { writer: AofWriter | undefined; changes: number; removals: number } | undefined;
  /** Where the present group is open. */
  private grouping: AofEncoder | undefined;
  /** Set once: whose request and database the effects are of, and of which command. */
  context: EffectsContext | undefined;

  get commandEffects(): number {
    return this.changes - this.removals;
  }

  beginGroup(): void {
    this.grouping = this.writer?.encoder;
    this.grouping?.beginGroup();
  }

  endGroup(): void {
    this.grouping?.endGroup();
    this.grouping = undefined;
  }

  dropGroup(): void {
    this.grouping?.dropGroup();
    this.grouping = undefined;
  }

  setMuted(isMuted: boolean): void {
    this.isMuted = isMuted;
  }

  setPrivate(isPrivate: boolean): void {
    if (isPrivate) {
      this.outside = { writer: this.writer, changes: this.changes, removals: this.removals };
      this.writer = undefined;
    } else {
      Object.assign(this, this.outside);
      this.outside = undefined;
    }
  }

  verbatim(): void {
    this.changes++;
    const { writer, context } = this;
    if (writer === undefined || this.isMuted) return;
    const { encoder } = writer;
    const { client, command, request } = context!;
    encoder.select(client.dbIndex);
    if (command?.originalName === undefined) encoder.command(request);
    else this.renamed(encoder, request, command.originalName);
  }

  /** The request with the original name of its command: the log must not depend on what commands are called now. */
  private renamed(encoder: AofEncoder, request: Request, name: string): void {
    encoder.begin(request.argc);
    encoder.argumentText(name);
    for (let i = 1; i < request.argc; i++) {
      encoder.argumentRange(request.buf, request.start[i], request.len[i]);
    }
  }

  command(...args: (string | Buffer | number)[]): void {
    this.changes++;
    if (this.isMuted) return;
    const { client, command } = this.context!;
    // Bytes in the first place are the name as the client wrote it.
    if (typeof args[0] !== "string" && command?.originalName !== undefined) args[0] = command.originalName;
    this.append(client.dbIndex, args);
  }

  edited(edits: ArgumentEdits): void {
    this.changes++;
    const { writer, context } = this;
    if (writer === undefined || this.isMuted) return;
    const { encoder } = writer;
    const { client, command, request } = context!;
    encoder.select(client.dbIndex);
    encoder.begin(request.argc);
    for (let i = 0; i < request.argc; i++) {
      const edit = edits.find(i);
      if (i === 0 && edit === -1 && command?.originalName !== undefined) {
        encoder.argumentText(command.originalName);
      } else if (edit === -1) encoder.argumentRange(request.buf, request.start[i], request.len[i]);
      else encoder.argumentRange(edits.textOf(edit), 0, edits.lengthOf(edit));
    }
  }

  member(name: string, key: number, buf: Buffer, start: number, length: number): void {
    this.changes++;
    const { writer, context } = this;
    if (writer === undefined || this.isMuted) return;
    const { encoder } = writer;
    const { request, client } = context!;
    encoder.select(client.dbIndex);
    encoder.begin(3);
    encoder.argumentText(name);
    encoder.argumentRange(request.buf, request.start[key], request.len[key]);
    encoder.argumentRange(buf, start, length);
  }

  /** A key that expiry or eviction removed. */
  removed(database: Database, key: Buffer): void {
    this.changes++;
    this.removals++;
    this.append(database.index, ["DEL", key]);
  }

  /** Keys that another server has taken over (MIGRATE). */
  handedOver(database: Database, keys: readonly Buffer[]): void {
    this.changes++;
    this.removals++;
    this.append(database.index, ["DEL", ...keys]);
  }

  /** Fields of a hash that expiry removed. */
  fieldsExpired(database: Database, key: Buffer, fields: readonly Buffer[]): void {
    this.changes++;
    this.removals++;
    this.append(database.index, ["HDEL", key, ...fields]);
  }

  private append(dbIndex: number, args: readonly (string | Buffer | number)[]): void {
    const encoder = this.writer?.encoder;
    if (encoder === undefined) return;
    encoder.select(dbIndex);
    encoder.begin(args.length);
    for (const arg of args) {
      if (typeof arg === "string") encoder.argumentText(arg);
      else if (typeof arg === "number") encoder.argumentInteger(arg);
      else encoder.argumentRange(arg, 0, arg.length);
    }
  }
}

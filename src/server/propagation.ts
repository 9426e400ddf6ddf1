/**
 * Effects of commands on their way to the append-only file. With `appendonly no` there is no writer, and nothing to
 * do.
 */
import type { ArgumentEdits } from "../commands/argument-edits.ts";
import type { CommandContext } from "../commands/context.ts";
import type { Database } from "../keyspace/database.ts";
import type { AofEncoder } from "../persistence/aof/encoder.ts";
import type { AofWriter } from "../persistence/aof/writer.ts";
import type { GroupedEffects } from "./transactions.ts";

export class Propagation implements GroupedEffects {
  /** Absent while the append-only file is off, and while it is being loaded. */
  writer: AofWriter | undefined;
  /** Changes since the last save, as INFO's rdb_changes_since_last_save counts them. */
  changes = 0;
  private isMuted = false;
  /** How many of them no command made. */
  private removals = 0;
  /** Where the present group is open. */
  private grouping: AofEncoder | undefined;
  /** Set once: whose request and database the effects are of. */
  context: Pick<CommandContext, "request" | "client"> | undefined;

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

  verbatim(): void {
    this.changes++;
    const { writer, context } = this;
    if (writer === undefined || this.isMuted) return;
    writer.encoder.select(context!.client.dbIndex);
    writer.encoder.command(context!.request);
  }

  command(...args: (string | Buffer | number)[]): void {
    this.changes++;
    if (!this.isMuted) this.append(this.context!.client.dbIndex, args);
  }

  edited(edits: ArgumentEdits): void {
    this.changes++;
    const { writer, context } = this;
    if (writer === undefined || this.isMuted) return;
    const { encoder } = writer;
    const { request, client } = context!;
    encoder.select(client.dbIndex);
    encoder.begin(request.argc);
    for (let i = 0; i < request.argc; i++) {
      const edit = edits.find(i);
      if (edit === -1) encoder.argumentRange(request.buf, request.start[i], request.len[i]);
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

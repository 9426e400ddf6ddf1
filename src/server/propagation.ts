/**
 * Effects of commands on their way to the append-only file and to replicas. With `appendonly no` there is no writer,
 * and without replicas no stream; with neither there is nothing to do.
 */
import type { ArgumentEdits } from "../commands/argument-edits.ts";
import type { CommandContext } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { AofEncoder } from "../persistence/aof/encoder.ts";
import type { AofWriter } from "../persistence/aof/writer.ts";
import type { GroupedEffects } from "./transactions.ts";

type EffectsContext = Pick<CommandContext, "request" | "client"> & {
  readonly command: CompiledCommand | undefined;
};

interface Outside {
  readonly writer: AofWriter | undefined;
  readonly stream: AofEncoder | undefined;
  readonly changes: number;
  readonly removals: number;
}

export class Propagation implements GroupedEffects {
  /** Absent while the append-only file is off, and while it is being loaded. */
  writer: AofWriter | undefined;
  /** What replicas get; absent while nobody needs it. */
  stream: AofEncoder | undefined;
  /** Changes since the last save, as INFO's rdb_changes_since_last_save counts them. */
  changes = 0;
  private isLogMuted = false;
  private isStreamMuted = false;
  /** How many of them no command made. */
  private removals = 0;
  /** While effects are private: what there was before. */
  private outside: Outside | undefined;
  /** Where the present group is open: of the log, and of the stream. */
  private logGroup: AofEncoder | undefined;
  private streamGroup: AofEncoder | undefined;
  /** Set once: whose request and database the effects are of, and of which command. */
  context: EffectsContext | undefined;

  get commandEffects(): number {
    return this.changes - this.removals;
  }

  beginGroup(): void {
    this.logGroup = this.writer?.encoder;
    this.logGroup?.beginGroup();
    this.streamGroup = this.stream;
    this.streamGroup?.beginGroup();
  }

  endGroup(): void {
    this.endLogGroup();
    this.streamGroup?.endGroup();
    this.streamGroup = undefined;
  }

  /** The log ends here: what its group holds so far is all of it. */
  endLogGroup(): void {
    this.logGroup?.endGroup();
    this.logGroup = undefined;
  }

  dropGroup(): void {
    this.logGroup?.dropGroup();
    this.logGroup = undefined;
    this.streamGroup?.dropGroup();
    this.streamGroup = undefined;
  }

  beginCommand(): void {
    this.stream?.beginGroup();
  }

  endCommand(): void {
    // There may have been no stream when it began, and a group may have been taken back with all that is in it.
    if (this.stream?.isMidway === true) this.stream.endGroup();
  }

  setMuted(isLogMuted: boolean, isStreamMuted: boolean): void {
    this.isLogMuted = isLogMuted;
    this.isStreamMuted = isStreamMuted;
  }

  setPrivate(isPrivate: boolean): void {
    if (isPrivate) {
      const { changes, removals, stream, writer } = this;
      this.outside = { changes, removals, stream, writer };
      this.writer = undefined;
      this.stream = undefined;
    } else {
      Object.assign(this, this.outside);
      this.outside = undefined;
    }
  }

  /** For the log alone: replicas take no annotations. */
  noteOldKeys(): void {
    if (this.writer !== undefined && !this.isLogMuted) this.writer.encoder.noteOldKeys();
  }

  verbatim(): void {
    this.changes++;
    const { stream, writer } = this;
    if (writer !== undefined && !this.isLogMuted) this.appendVerbatim(writer.encoder);
    if (stream !== undefined && !this.isStreamMuted) this.appendVerbatim(stream);
  }

  toReplicas(): void {
    const { stream } = this;
    if (stream !== undefined && !this.isStreamMuted) this.appendVerbatim(stream);
  }

  command(...args: (string | Buffer | number)[]): void {
    this.changes++;
    const { stream, writer } = this;
    if (writer === undefined && stream === undefined) return;
    const { client, command } = this.context!;
    // Bytes in the first place are the name as the client wrote it.
    if (typeof args[0] !== "string" && command?.originalName !== undefined) args[0] = command.originalName;
    if (writer !== undefined && !this.isLogMuted) append(writer.encoder, client.dbIndex, args);
    if (stream !== undefined && !this.isStreamMuted) append(stream, client.dbIndex, args);
  }

  edited(edits: ArgumentEdits): void {
    this.changes++;
    const { stream, writer } = this;
    if (writer !== undefined && !this.isLogMuted) this.appendEdited(writer.encoder, edits);
    if (stream !== undefined && !this.isStreamMuted) this.appendEdited(stream, edits);
  }

  member(name: string, key: number, buf: Buffer, start: number, length: number): void {
    this.changes++;
    const { stream, writer } = this;
    if (writer !== undefined && !this.isLogMuted) {
      this.appendMember(writer.encoder, name, key, buf, start, length);
    }
    if (stream !== undefined && !this.isStreamMuted) this.appendMember(stream, name, key, buf, start, length);
  }

  /** A key that expiry or eviction removed. */
  removed(database: Database, key: Buffer): void {
    // What was cold has left a tombstone.
    if (database.shadowed > 0) this.writer?.encoder.noteOldKeys();
    this.appendRemoval(database, ["DEL", key]);
  }

  /** Keys that another server has taken over (MIGRATE). */
  handedOver(database: Database, keys: readonly Buffer[]): void {
    this.appendRemoval(database, ["DEL", ...keys]);
  }

  /** Fields of a hash that expiry removed. */
  fieldsExpired(database: Database, key: Buffer, fields: readonly Buffer[]): void {
    this.appendRemoval(database, ["HDEL", key, ...fields]);
  }

  private appendRemoval({ index }: Database, args: readonly (string | Buffer)[]): void {
    this.changes++;
    this.removals++;
    if (this.writer !== undefined) append(this.writer.encoder, index, args);
    if (this.stream !== undefined) append(this.stream, index, args);
  }

  /** The request with the original name of its command: the log must not depend on what commands are called now. */
  private appendVerbatim(encoder: AofEncoder): void {
    const { client, command, request } = this.context!;
    encoder.select(client.dbIndex);
    if (command?.originalName === undefined) {
      encoder.command(request);
      return;
    }
    encoder.begin(request.argc);
    encoder.argumentText(command.originalName);
    for (let i = 1; i < request.argc; i++) {
      encoder.argumentRange(request.buf, request.start[i], request.len[i]);
    }
  }

  private appendEdited(encoder: AofEncoder, edits: ArgumentEdits): void {
    const { client, command, request } = this.context!;
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

  private appendMember(
    encoder: AofEncoder,
    name: string,
    key: number,
    buf: Buffer,
    start: number,
    length: number,
  ): void {
    const { request, client } = this.context!;
    encoder.select(client.dbIndex);
    encoder.begin(3);
    encoder.argumentText(name);
    encoder.argumentRange(request.buf, request.start[key], request.len[key]);
    encoder.argumentRange(buf, start, length);
  }
}

function append(encoder: AofEncoder, dbIndex: number, args: readonly (string | Buffer | number)[]): void {
  encoder.select(dbIndex);
  encoder.begin(args.length);
  for (const arg of args) {
    if (typeof arg === "string") encoder.argumentText(arg);
    else if (typeof arg === "number") encoder.argumentInteger(arg);
    else encoder.argumentRange(arg, 0, arg.length);
  }
}

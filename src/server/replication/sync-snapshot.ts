/**
 * A snapshot in the making for replicas: all that ask for the same one before it is done share it. It is a dump like
 * those of BGSAVE, in a file of its own, and as little a save as Redis's when it sends to sockets. What changes from
 * its instant on is kept in the stream.
 */
import { errorText } from "../../persistence/aof/error-text.ts";
import type { DumpFilter } from "../../persistence/dump.ts";
import { BGSAVE_FOR_SYNC_FAILED } from "../../protocol/replication-errors.ts";
import type { Server } from "../server.ts";
import type { Replica } from "./replica.ts";
import { SnapshotSource } from "./snapshot-source.ts";
import type { ReplicationStream } from "./stream.ts";

export interface SyncSnapshotParts {
  readonly server: Server;
  readonly stream: ReplicationStream;
  readonly streamId: string;
  readonly filter: DumpFilter;
  /** Replicas that wait for a snapshot as of now. */
  readonly waiting: () => readonly Replica[];
  /** The replica has all of it. */
  readonly onSent: (replica: Replica) => void;
  /** It is made, or has failed: the next may begin. */
  readonly onEnded: () => void;
}

export class SyncSnapshot {
  /** Offset of the stream at its instant; undefined before that. */
  offset: number | undefined;
  private readonly parts: SyncSnapshotParts;
  private readonly members = new Set<Replica>();

  constructor(parts: SyncSnapshotParts) {
    this.parts = parts;
  }

  /** Begins to make it. There must be no other dump or rewrite under way. */
  start(): void {
    void this.run();
  }

  /** Whether a replica that wants this gets it: then it is sent to it, too. */
  admit(replica: Replica): boolean {
    if (!isSameFilter(this.parts.filter, replica.traits)) return false;
    if (this.offset !== undefined) this.add(replica, this.offset);
    return true;
  }

  /** The replica is gone. If no other one wants the snapshot, it is stopped. */
  forget(replica: Replica): void {
    if (this.members.delete(replica) && this.members.size === 0) this.parts.server.saves.stopForReplicas();
  }

  private async run(): Promise<void> {
    const { server, onEnded } = this.parts;
    const { files, log } = server.world;
    const { dir } = server.config.values;
    const name = `temp-sync-${process.pid}.rdb`;
    let source: SnapshotSource | undefined;
    try {
      if (await server.saves.saveForReplicas(name, this.parts.filter, () => this.cut())) {
        source = await SnapshotSource.open(files, `${dir}/${name}`);
      }
    } catch (error) {
      log.warning(`SYNC failed. Can't open the snapshot for replicas: ${errorText(error)}`);
      await files.unlink(`${dir}/${name}`).catch(() => undefined);
    }
    if (source === undefined) this.fail();
    else this.send(source);
    onEnded();
  }

  /** The instant that it holds. */
  private cut(): void {
    const offset = this.parts.stream.cut();
    this.offset = offset;
    for (const replica of this.parts.waiting()) {
      if (isSameFilter(this.parts.filter, replica.traits)) this.add(replica, offset);
    }
  }

  private add(replica: Replica, offset: number): void {
    this.members.add(replica);
    replica.begin(this.parts.streamId, offset);
  }

  private send(source: SnapshotSource): void {
    const { server, onSent } = this.parts;
    // However soon the first is done, it is not the last.
    source.hold();
    for (const replica of this.members) {
      replica.sendSnapshot(source).then(
        (isThere) => {
          if (isThere) onSent(replica);
        },
        (error: unknown) => {
          server.world.log.warning(`Read error sending DB to replica: ${errorText(error)}`);
          replica.connection.close();
        },
      );
    }
    source.release();
  }

  private fail(): void {
    const { server, waiting } = this.parts;
    const { log } = server.world;
    for (const { connection } of this.members) {
      log.warning("SYNC failed. BGSAVE child returned an error");
      connection.close();
    }
    if (this.offset !== undefined) return;
    log.warning("BGSAVE for replication failed");
    for (const replica of waiting()) {
      if (isSameFilter(this.parts.filter, replica.traits)) replica.refuse(BGSAVE_FOR_SYNC_FAILED);
    }
  }
}

function isSameFilter(one: DumpFilter, other: DumpFilter): boolean {
  return one.withoutData === other.withoutData && one.withoutFunctions === other.withoutFunctions;
}

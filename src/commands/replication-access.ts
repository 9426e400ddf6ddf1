/**
 * Replication as commands see it: what clients tell of themselves as replicas, and what the server knows of them.
 * Implemented in src/server/replication.
 */
import type { Client } from "./client.ts";

/** What a client has told of itself before it becomes a replica (REPLCONF). */
export interface ReplicaTraits {
  /** 0 if it did not tell. */
  listeningPort: number;
  /** The address that it wants to be known by; "" for that of the connection. */
  announcedAddress: string;
  /** It finds the end of a snapshot whose length it is not told. */
  hasEof: boolean;
  /** It understands that the stream's id changes. */
  hasPsync2: boolean;
  /** It wants a snapshot, and not what follows. */
  isSnapshotOnly: boolean;
  /** What the snapshot is to leave out. */
  withoutData: boolean;
  withoutFunctions: boolean;
}

export function newReplicaTraits(): ReplicaTraits {
  return {
    listeningPort: 0,
    announcedAddress: "",
    hasEof: false,
    hasPsync2: false,
    isSnapshotOnly: false,
    withoutData: false,
    withoutFunctions: false,
  };
}

/** A replica that gets the stream. */
export interface ReplicaFacts {
  readonly ip: string;
  readonly port: number;
  /** Offset up to which it has acknowledged the stream. */
  readonly acknowledged: number;
}

/** What PSYNC asks to go on with: a stream, and the offset of the next byte (from 1). */
export interface ResumeRequest {
  readonly streamId: string;
  readonly nextByte: number;
}

export interface ReplicationAccess {
  /** Bytes of the stream so far. */
  readonly offset: number;
  /** All replicas, whatever their state. */
  readonly count: number;
  /** Those that get the stream. */
  online(): Iterable<ReplicaFacts>;
  /** Why the client cannot become a replica now: the error. */
  refusalOf(client: Client): string | undefined;
  /** Makes the client a replica: with the rest of the stream if that is what it asks for and it is there, else with a
   * snapshot of all data. Its commands are answered no more. */
  attach(client: Client, wanted: ResumeRequest | undefined): void;
  /** A replica tells how far it is; `onDisk` is what its append-only file has safe. */
  acknowledge(client: Client, offset: number, onDisk: number | undefined): void;
  /** Offset behind all that the client has written. */
  offsetOf(client: Client): number;
  /** How many replicas have processed the stream up to `offset`, or have it safe in their append-only files. */
  countAcknowledged(offset: number, onDisk: boolean): number;
  /** Resolves when so many have, or after `timeoutMs` (0: never). */
  waitForReplicas(client: Client, wanted: AwaitedReplicas, timeoutMs: number): Promise<void>;
}

export interface AwaitedReplicas {
  readonly offset: number;
  readonly count: number;
  /** In their append-only files. */
  readonly onDisk: boolean;
}

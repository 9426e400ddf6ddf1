/**
 * The connections there are, and how many there were.
 */
import type { Connection } from "./connection.ts";

export class ClientRegistry {
  /** Without those that were refused. */
  totalReceived = 0;
  rejected = 0;
  queryBufferLimitDisconnections = 0;
  outputBufferLimitDisconnections = 0;
  private lastId = 0;
  private readonly connections = new Map<number, Connection>();

  get size(): number {
    return this.connections.size;
  }

  nextId(): number {
    return ++this.lastId;
  }

  add(connection: Connection): void {
    this.connections.set(connection.id, connection);
  }

  remove(connection: Connection): void {
    this.connections.delete(connection.id);
  }

  byId(id: number): Connection | undefined {
    return this.connections.get(id);
  }

  /** In the order of their ids. */
  [Symbol.iterator](): IterableIterator<Connection> {
    return this.connections.values();
  }

  /** Memory of all clients but replicas, and of those without the stream, which they share; how many wait. */
  measure(): { readonly bytes: number; readonly replicaBytes: number; readonly blocked: number } {
    let bytes = 0;
    let replicaBytes = 0;
    let blocked = 0;
    for (const connection of this.connections.values()) {
      if (connection.isReplica) replicaBytes += connection.ownBytes;
      else bytes += connection.memoryBytes;
      if (connection.isBlocked) blocked++;
    }
    return { bytes, replicaBytes, blocked };
  }
}

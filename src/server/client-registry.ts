/**
 * The connections there are, and how many there were.
 */
import type { Connection } from "./connection.ts";

export class ClientRegistry {
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

  /** Bytes of query and output buffers, and the largest of each, over all connections. */
  measure(): { readonly bytes: number; readonly blocked: number } {
    let bytes = 0;
    let blocked = 0;
    for (const connection of this.connections.values()) {
      bytes += connection.memoryBytes;
      if (connection.isBlocked) blocked++;
    }
    return { bytes, blocked };
  }
}

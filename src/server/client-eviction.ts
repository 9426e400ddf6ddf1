/**
 * maxmemory-clients: when what clients take of memory (requests, replies, transactions, subscriptions) is too much
 * together, those that take most are closed, as in Redis the largest first, and never one with CLIENT NO-EVICT.
 *
 * What a client takes is looked at whenever it has sent something, or does not take what it is sent, and of all clients
 * some times a second. While there is no limit, nothing is counted.
 */
import type { Log } from "../base/log.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { Connection } from "./connection.ts";

/** As in Redis, clients count as equally large that take up to twice as much memory as one another. */
const sizeClass = (bytes: number) => Math.floor(Math.log2(bytes));

/** As in Redis, a limit below counts as this one: with less, nobody could connect and set another. */
const MIN_LIMIT_BYTES = 128 * 1024;

export class ClientEviction {
  /** Clients closed so far. */
  evicted = 0;
  /** Whether there is a limit. */
  isOn = false;
  private readonly clients: ClientRegistry;
  private readonly log: Log;
  private readonly scheduleTurnEnd: () => void;
  private limitBytes = 0;
  private totalBytes = 0;

  /** @param scheduleTurnEnd has `run` called at the end of the turn */
  constructor(clients: ClientRegistry, log: Log, scheduleTurnEnd: () => void) {
    this.clients = clients;
    this.log = log;
    this.scheduleTurnEnd = scheduleTurnEnd;
  }

  /**
   * @param limit maxmemory-clients: bytes, or if negative so many percent of `maxmemory`; 0 is no limit
   * @param maxmemory bytes; 0 if there is no limit, and then a share of it is none either
   */
  configure(limit: number, maxmemory: number): void {
    const bytes = limit < 0 ? (maxmemory * -limit) / 100 : limit;
    this.isOn = bytes > 0;
    this.limitBytes = Math.max(bytes, MIN_LIMIT_BYTES);
    this.recount();
  }

  /** Looks at one client again. */
  update(connection: Connection): void {
    const { memoryBytes } = connection;
    this.totalBytes += memoryBytes - connection.countedBytes;
    connection.countedBytes = memoryBytes;
    if (this.totalBytes >= this.limitBytes) this.scheduleTurnEnd();
  }

  /** As `update`, before what the client has sent is executed: it may be too much already. */
  runIfOver(connection: Connection): void {
    this.update(connection);
    this.run();
  }

  /** Looks at all clients again. */
  recount(): void {
    this.totalBytes = 0;
    for (const connection of this.clients) {
      connection.countedBytes = this.isOn ? connection.memoryBytes : 0;
      this.totalBytes += connection.countedBytes;
    }
  }

  /** The client is gone. */
  forget(connection: Connection): void {
    this.totalBytes -= connection.countedBytes;
    connection.countedBytes = 0;
  }

  /** Closes clients until the others are within the limit. Not in the middle of a command. */
  run(): void {
    if (!this.isOn || this.totalBytes < this.limitBytes) return;
    this.recount();
    const victims = [...this.clients]
      .filter((client) => !client.noEvict && !client.isReplay && !client.isReplica)
      .sort((first, second) => sizeClass(second.countedBytes) - sizeClass(first.countedBytes));
    for (const client of victims) {
      if (this.totalBytes < this.limitBytes) return;
      this.evicted++;
      this.log.notice(
        `Evicting client: id=${client.id} addr=${client.address} name=${client.name} tot-mem=${client.countedBytes}`,
      );
      client.close();
    }
  }
}

/**
 * client-output-buffer-limit: a client that does not read what it is sent must not take all memory. Asked whenever
 * output for a client is queued, so that one burst cannot pass a limit unnoticed, and by the cron, since time passes
 * without output, too. As in Redis, a client over its limit is closed without getting what waits for it, but not in the
 * middle of its command.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { OutputBufferLimit, OutputBufferLimits } from "./config/special-settings.ts";
import type { Connection } from "./connection.ts";

export interface OutputLimitsParts {
  readonly clients: ClientRegistry;
  readonly clock: Clock;
  readonly world: { readonly log: Log };
  readonly config: { readonly values: { readonly "repl-backlog-size": number } };
}

export class OutputLimits {
  private readonly parts: OutputLimitsParts;
  private limits: OutputBufferLimits | undefined;
  /** No client with less output is over any limit. */
  private leastBytes = Number.POSITIVE_INFINITY;
  /** Clients to be closed. */
  private readonly marked = new Set<Connection>();

  constructor(parts: OutputLimitsParts) {
    this.parts = parts;
  }

  configure(limits: OutputBufferLimits): void {
    this.limits = limits;
    const bytes = [limits.normal, limits.pubsub, limits.replica].flatMap((limit) => [
      limit.hardLimitBytes,
      limit.softLimitBytes,
    ]);
    this.leastBytes = Math.min(...bytes.filter((limit) => limit > 0));
  }

  /** Marks a client that is over its limit for being closed. */
  check(connection: Connection): void {
    const bytes = connection.outputBufferBytes + connection.queuedOutputBytes;
    if (bytes >= this.leastBytes) this.compare(connection, bytes);
  }

  /** For the cron: looks at all clients, and closes those that are over their limits. */
  checkAll(): void {
    if (this.leastBytes === Number.POSITIVE_INFINITY) return;
    for (const connection of this.parts.clients) {
      this.compare(connection, connection.outputBufferBytes + connection.queuedOutputBytes);
    }
    this.closeMarked();
  }

  /** Closes the clients that were found over their limits. Not in the middle of a command. */
  closeMarked(): void {
    if (this.marked.size === 0) return;
    for (const connection of this.marked) connection.close();
    this.marked.clear();
  }

  private limitFor({ isReplica, isSubscribed }: Connection): OutputBufferLimit {
    const { normal, pubsub, replica } = this.limits!;
    if (isReplica) return replica;
    return isSubscribed ? pubsub : normal;
  }

  private compare(connection: Connection, bytes: number): void {
    const { clients, clock, config, world } = this.parts;
    if (connection.isReplay || connection.isClosed || this.marked.has(connection)) return;
    const limit = this.limitFor(connection);
    // What is kept as backlog anyway is no reason to close a replica.
    const spared = connection.isReplica ? config.values["repl-backlog-size"] : 0;
    const isOverHard = limit.hardLimitBytes > 0 && bytes >= Math.max(limit.hardLimitBytes, spared);
    if (!isOverSoft(connection, bytes, limit, clock.nowMs) && !isOverHard) return;
    connection.closeAfterReply();
    this.marked.add(connection);
    clients.outputBufferLimitDisconnections++;
    world.log.warning(
      `Client id=${connection.id} addr=${connection.address} name=${connection.name} omem=${bytes} closed for overcoming of output buffer limits.`,
    );
  }
}

/** The soft limit may be exceeded for a while, which is measured here. */
function isOverSoft(
  connection: Connection,
  bytes: number,
  { softLimitBytes, softSeconds }: OutputBufferLimit,
  nowMs: number,
): boolean {
  if (softLimitBytes === 0 || bytes < softLimitBytes) {
    connection.overSoftLimitSinceMs = 0;
    return false;
  }
  if (connection.overSoftLimitSinceMs === 0) connection.overSoftLimitSinceMs = nowMs;
  return nowMs - connection.overSoftLimitSinceMs > softSeconds * 1000;
}

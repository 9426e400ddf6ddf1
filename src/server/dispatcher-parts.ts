/**
 * What the dispatcher works with.
 */
import type { ServerServices } from "../commands/services.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { TierWalk } from "../keyspace/tier-walk.ts";
import type { Warmer } from "../keyspace/warmer.ts";
import type { ClientPause } from "./client-pause.ts";
import type { CommandCheckParts } from "./command-checks.ts";
import type { Connection } from "./connection.ts";
import type { HeldKeys } from "./migration/held-keys.ts";
import type { LatencyEvents } from "./observation/latency-events.ts";
import type { SlowLog } from "./observation/slow-log.ts";
import type { OutboxAof } from "./outbox.ts";
import type { OutputLimits } from "./output-limits.ts";
import type { Replication } from "./replication/replication.ts";
import type { ReplyGate } from "./reply-gate.ts";
import type { Tracking } from "./tracking/tracking.ts";
import type { GroupedEffects } from "./transactions.ts";
import type { WebRequests } from "./web-requests.ts";
import type { GateAof, WriteGatesParts } from "./write-gates.ts";

/** The append-only file as the dispatcher sees it; `enabled` false means no AOF. */
export interface DispatchAof extends OutboxAof, GateAof {}

export interface DispatcherParts extends WriteGatesParts, CommandCheckParts {
  readonly keyspace: Keyspace;
  readonly gate: ReplyGate;
  readonly outputLimits: OutputLimits;
  readonly effects: GroupedEffects;
  readonly services: ServerServices;
  readonly slowLog: SlowLog;
  readonly events: LatencyEvents;
  readonly aof: DispatchAof;
  /** Absent when the cold tier is off. */
  readonly warmer: Warmer | undefined;
  /** Writes the append-only file and sends replies, without waiting for the end of the turn. */
  readonly flushNow: () => void;
  readonly pause: ClientPause;
  /** The master's half of it. */
  readonly replication: Replication;
  /** Keys that go to another server. */
  readonly heldKeys: HeldKeys;
  /** Client-side caching. */
  readonly tracking: Tracking;
  readonly walk: TierWalk;
  readonly webRequests: WebRequests;
  readonly onQueryBufferLimit: (connection: Connection) => void;
  readonly onReplyTooLarge: (connection: Connection) => void;
  /** redis.log: 0 is debug, 3 a warning. */
  readonly log: (level: number, text: string) => void;
  /** maxmemory. */
  readonly maxmemoryBytes: () => number;
  /** busy-reply-threshold. */
  readonly busyThresholdMs: () => number;
}

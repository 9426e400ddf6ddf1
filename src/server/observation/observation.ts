/**
 * What the server knows about its own work for those who look into it: slow log, latency monitor and histograms,
 * clients that are shown all commands; and what the configuration says about them.
 */
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../commands/client.ts";
import type {
  CommandHistogram,
  LatencyAccess,
  LatencySeries,
  MonitorAccess,
} from "../../commands/services.ts";
import type { CommandTable, CompiledCommand } from "../../commands/table.ts";
import type { Warmer } from "../../keyspace/warmer.ts";
import type { Config } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Dispatcher } from "../dispatcher.ts";
import { type Calls, settleCalls } from "./calls.ts";
import { LatencyEvents } from "./latency-events.ts";
import { Monitors } from "./monitors.ts";
import { SlowLog } from "./slow-log.ts";

export class Observation implements LatencyAccess, MonitorAccess {
  readonly slowLog = new SlowLog();
  readonly events: LatencyEvents;
  private readonly clock: Clock;
  private readonly table: CommandTable;
  private calls!: Calls;
  private monitors!: Monitors;

  constructor(clock: Clock, table: CommandTable) {
    this.clock = clock;
    this.table = table;
    this.events = new LatencyEvents(clock);
  }

  /** Observes what the dispatcher executes, as the configuration says. */
  attach(
    dispatcher: Dispatcher,
    config: Config,
    warmer: Warmer | undefined,
    scheduleTurnEnd: () => void,
  ): void {
    const { clock } = this;
    const { outbox, server: services } = dispatcher;
    this.calls = dispatcher.calls;
    this.monitors = new Monitors({ clock, services, outbox, scheduleTurnEnd });
    const { values } = config;
    const apply = () => {
      this.slowLog.thresholdMicroseconds = values["slowlog-log-slower-than"];
      this.slowLog.setMaximum(values["slowlog-max-len"]);
      this.events.thresholdMs = values["latency-monitor-threshold"];
      this.calls.keepsHistograms = values["latency-tracking"];
      this.calls.configure();
      const readNow = (elapsedMs: number) => this.events.add("cold-read", elapsedMs);
      if (warmer !== undefined) warmer.onReadNow = this.events.thresholdMs === 0 ? undefined : readNow;
    };
    apply();
    config.onChange(
      ["slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold", "latency-tracking"],
      apply,
    );
  }

  /** Queues what monitors have been shown. Only between the runs of connections. */
  flushMonitors(): void {
    if (this.calls.monitors !== undefined) this.monitors.flush();
  }

  /** MONITOR, of a client that is a connection: there are no others whom commands are shown to. */
  add(client: Client): void {
    const connection = client as Connection;
    connection.isMonitor = true;
    this.monitors.add(connection);
    this.calls.monitors = this.monitors;
  }

  remove(client: Client): void {
    const connection = client as Connection;
    if (!connection.isMonitor) return;
    connection.isMonitor = false;
    this.monitors.remove(connection);
    if (this.monitors.isEmpty) this.calls.monitors = undefined;
  }

  get thresholdMs(): number {
    return this.events.thresholdMs;
  }

  get slowLogMicroseconds(): number {
    return this.slowLog.thresholdMicroseconds;
  }

  all(): Iterable<readonly [event: string, series: LatencySeries]> {
    return this.events.all();
  }

  of(event: string): LatencySeries | undefined {
    return this.events.of(event);
  }

  reset(event?: string): number {
    return this.events.reset(event);
  }

  *histograms(): Iterable<CommandHistogram> {
    for (const command of this.table.all) yield* histogramsFrom(command);
  }

  *histogramsOf(name: string): Iterable<CommandHistogram> {
    const [container, subcommand, ...more] = name.split("|");
    if (more.length > 0) return;
    const command = this.table.findByName(container, subcommand);
    if (command !== undefined) yield* histogramsFrom(command);
  }
}

function* histogramsFrom(command: CompiledCommand): Iterable<CommandHistogram> {
  settleCalls(command);
  const { fullName, histogram, subcommands } = command;
  if (histogram !== undefined) {
    yield { command: fullName, calls: histogram.total, levels: histogram.levels() };
  }
  for (const subcommand of subcommands?.all ?? []) yield* histogramsFrom(subcommand);
}

/**
 * The services that commands ask of the server (commands/services.ts), made of its parts.
 */
import type { AccessControl } from "../commands/access.ts";
import type { Client } from "../commands/client.ts";
import type { CommandSpec } from "../commands/command.ts";
import { documentation } from "../commands/docs/all.ts";
import type { Documentation } from "../commands/documentation.ts";
import type { ReplicationAccess } from "../commands/replication-access.ts";
import type {
  AofAccess,
  ConfigAccess,
  KeyWalk,
  LatencyAccess,
  MigrationAccess,
  MonitorAccess,
  PauseAccess,
  SaveAccess,
  ServerServices,
  ShutdownOptions,
  SlowLogAccess,
  TrackingAccess,
} from "../commands/services.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { CANNOT_WAIT_IN_TRANSACTION, configNotRewritten, NO_CONFIG_FILE } from "../protocol/errors.ts";
import { isLocalAddress } from "./admission.ts";
import { setError } from "./config/config.ts";
import { ConfigSetError } from "./config/config-error.ts";
import { rewriteConfigFile } from "./config/rewrite.ts";
import { systemErrorText } from "./config/special-settings.ts";
import { Debugging } from "./debugging.ts";
import { infoText } from "./info/info.ts";
import { ServerInfoSource } from "./info/server-source.ts";
import { MemoryReport } from "./memory-report.ts";
import type { Server } from "./server.ts";
import { Shutdown } from "./shutdown.ts";
import { TierControl } from "./tier-control.ts";
import { VERSION } from "./version.ts";

export class Services implements ServerServices {
  readonly version = VERSION;
  readonly config: ConfigAccess;
  readonly shutdowns: Shutdown;
  readonly debugging: Debugging;
  private readonly server: Server;
  readonly tier: TierControl;
  readonly memory: MemoryReport;
  private readonly infoSource: ServerInfoSource;

  constructor(server: Server) {
    this.server = server;
    this.config = new ConfigForCommands(server);
    this.shutdowns = new Shutdown(server);
    this.debugging = new Debugging(server);
    this.infoSource = new ServerInfoSource(server, server.statistics);
    this.tier = new TierControl(server, this.infoSource);
    this.memory = new MemoryReport(server, this.infoSource);
  }

  get access(): AccessControl {
    return this.server.acl;
  }

  get aof(): AofAccess {
    return this.server.aof;
  }

  get saves(): SaveAccess {
    return this.server.saves;
  }

  get slowLog(): SlowLogAccess {
    return this.server.observation.slowLog;
  }

  get latency(): LatencyAccess {
    return this.server.observation;
  }

  get monitors(): MonitorAccess {
    return this.server.observation;
  }

  get migrations(): MigrationAccess {
    return this.server.migrations;
  }

  get tracking(): TrackingAccess {
    return this.server.tracking;
  }

  get replication(): ReplicationAccess {
    return this.server.replication;
  }

  get pause(): PauseAccess {
    return this.server.pause;
  }

  get walk(): KeyWalk {
    return this.server.walk;
  }

  clients(): Iterable<Client> {
    return this.server.clients;
  }

  client(id: number): Client | undefined {
    return this.server.clients.byId(id);
  }

  info(sections: readonly string[]): string {
    return infoText(this.infoSource, sections);
  }

  resetStatistics(): void {
    this.infoSource.reset();
  }

  *commands(): Iterable<CommandSpec> {
    for (const command of this.server.table.all) yield command.spec;
  }

  documentation(fullName: string): Documentation | undefined {
    return documentation[fullName];
  }

  findCommand(name: string, subcommand?: string): CommandSpec | undefined {
    return this.server.table.findByName(name, subcommand)?.spec;
  }

  shutdown(options: ShutdownOptions): Promise<string> {
    return this.shutdowns.run(options);
  }

  abortShutdown(): boolean {
    return this.shutdowns.abort();
  }
}

/** Redis's words for addresses that cannot be listened on. */
const LISTEN_FAILURES = {
  port: "Unable to listen on this port. Check server logs.",
  "tls-port": "Unable to listen on this port. Check server logs.",
  bind: "Failed to bind to specified addresses.",
} as const;

class ConfigForCommands implements ConfigAccess {
  private readonly server: Server;
  /** The directive that CONFIG SET has just changed and that asks for other listening sockets. */
  private moved: keyof typeof LISTEN_FAILURES | undefined;

  constructor(server: Server) {
    this.server = server;
    for (const name of ["port", "tls-port", "bind"] as const) {
      server.config.onChange(name, () => {
        this.moved = name;
      });
    }
  }

  get(patterns: readonly Buffer[]): [name: string, value: string][] {
    return this.server.config.get(patterns).map(([name, text]) => [name, text.toString("latin1")]);
  }

  set(pairs: readonly [name: Buffer, value: Buffer][]): string | undefined | Promise<string | undefined> {
    const { config, dispatcher, isLoading } = this.server;
    const context = { isLocal: isLocalAddress(dispatcher.client.address), isLoading };
    const before = pairs.flatMap(([name]) => config.get([name]));
    this.moved = undefined;
    try {
      config.set(pairs, context);
    } catch (error) {
      if (error instanceof ConfigSetError) return error.message;
      throw error;
    }
    const { moved } = this;
    if (moved !== undefined && dispatcher.client.isExecuting) {
      config.set(before, context);
      return CANNOT_WAIT_IN_TRANSACTION;
    }
    return moved === undefined ? undefined : this.listenAnew(moved, () => config.set(before, context));
  }

  /** Opens the sockets that `port` and `bind` now ask for. If that fails, takes all that was set with them back. */
  private async listenAnew(
    moved: keyof typeof LISTEN_FAILURES,
    takeBack: () => void,
  ): Promise<string | undefined> {
    try {
      await this.server.listen();
      return undefined;
    } catch (error) {
      this.server.world.log.warning(`Cannot listen as ${moved} asks for: ${errorText(error)}`);
      takeBack();
      // One of two ports may have moved before the other could not.
      await this.server.listen().catch(() => undefined);
      return setError(moved, LISTEN_FAILURES[moved]).message;
    }
  }

  rewrite(all = false): string | undefined {
    const { acl, config, world } = this.server;
    if (config.file === undefined) return NO_CONFIG_FILE;
    try {
      rewriteConfigFile(config.file, config, config.values.aclfile === "" ? acl.lines() : undefined, all);
    } catch (error) {
      const reason = systemErrorText(error);
      world.log.warning(`CONFIG REWRITE failed: ${reason}`);
      return configNotRewritten(reason);
    }
    world.log.warning("CONFIG REWRITE executed with success.");
    return undefined;
  }

  isSensitive = (name: Buffer): boolean => this.server.config.isSensitive(name);

  get maxmemoryPolicy(): string {
    return this.server.config.values["maxmemory-policy"];
  }

  get hllSparseMaxBytes(): number {
    return this.server.config.values["hll-sparse-max-bytes"];
  }

  get rdbcompression(): boolean {
    return this.server.config.values.rdbcompression;
  }

  get protoMaxBulkLength(): number {
    return this.server.isLoading ? Number.POSITIVE_INFINITY : this.server.decoderLimits.maxBulkLength;
  }
}

/**
 * Directives that change something when they are set: at the start, and by CONFIG SET.
 */
import { applyAppendonly, configureWriter } from "./appendonly.ts";
import type { Server } from "./server.ts";

/** From which size on values are no longer kept in their packed form. */
const TYPE_LIMITS = [
  "list-max-listpack-size",
  "hash-max-listpack-entries",
  "hash-max-listpack-value",
  "set-max-intset-entries",
  "zset-max-listpack-entries",
  "zset-max-listpack-value",
  "stream-node-max-bytes",
  "stream-node-max-entries",
] as const;

/** Brings the server into the state that its configuration asks for, now and after each change. */
export function applyConfig(server: Server): void {
  const { budget, config, decoderLimits, keyspace } = server;
  const { values } = config;
  const memory = () => {
    budget.setLimit(values.maxmemory);
    // A smaller budget takes effect now, not at the next write.
    if (budget.isOver) server.scheduleTurnEnd();
  };
  const clients = () => {
    server.clientEviction.configure(values["maxmemory-clients"], values.maxmemory);
    if (server.clientEviction.isOn) server.scheduleTurnEnd();
  };
  const policy = () => {
    keyspace.accessClock.lfu = values["maxmemory-policy"].endsWith("-lfu");
    keyspace.accessClock.lfuLogFactor = values["lfu-log-factor"];
    keyspace.accessClock.lfuDecayMinutes = values["lfu-decay-time"];
  };
  const limits = () => {
    decoderLimits.maxBulkLength = values["proto-max-bulk-len"];
    decoderLimits.queryBufferLimit = values["client-query-buffer-limit"];
  };
  const fsync = () => {
    const writer = server.aof.files?.writer;
    if (writer === undefined) return;
    if (writer.policy !== values.appendfsync) writer.policy = values.appendfsync;
    configureWriter(writer, values);
  };
  const history = () => {
    const directory = server.aof.files?.directory;
    if (directory === undefined) return;
    directory.removesHistory = !values["aof-disable-auto-gc"];
    void directory.removeHistory();
  };
  for (const hook of [memory, clients, policy, limits]) hook();
  config.onChange("maxmemory", memory);
  config.onChange(["maxmemory-clients", "maxmemory"], clients);
  config.onChange(["maxmemory-policy", "lfu-log-factor", "lfu-decay-time"], policy);
  config.onChange(["proto-max-bulk-len", "client-query-buffer-limit"], limits);
  config.onChange(["appendfsync", "aof-timestamp-enabled", "maxmemory"], fsync);
  config.onChange("aof-disable-auto-gc", history);
  config.onChange("tracking-table-max-keys", () => server.tracking.limitTable());
  config.onChange("appendonly", () => applyAppendonly(server));
  config.onChange(["min-replicas-to-write", "min-replicas-max-lag"], () => server.replication.countGood());
  applyTypeLimits(server);
  applyOutput(server);
}

/** When collections change their forms. */
function applyTypeLimits({ config, keyspace }: Server): void {
  const { values } = config;
  const types = () => {
    const of = keyspace.memory.limits;
    of.listMaxListpackSize = values["list-max-listpack-size"];
    of.hashMaxListpackEntries = values["hash-max-listpack-entries"];
    of.hashMaxListpackValue = values["hash-max-listpack-value"];
    of.setMaxIntsetEntries = values["set-max-intset-entries"];
    of.zsetMaxListpackEntries = values["zset-max-listpack-entries"];
    of.zsetMaxListpackValue = values["zset-max-listpack-value"];
    of.streamNodeMaxBytes = values["stream-node-max-bytes"];
    of.streamNodeMaxEntries = values["stream-node-max-entries"];
  };
  types();
  config.onChange(TYPE_LIMITS, types);
}

/** What clients are sent that did not ask for it, and how much may wait for them. */
function applyOutput({ config, notifications, outputLimits }: Server): void {
  const limits = () => outputLimits.configure(config.values["client-output-buffer-limit"]);
  const events = () => notifications.configure(config.values["notify-keyspace-events"]);
  for (const hook of [limits, events]) hook();
  config.onChange("client-output-buffer-limit", limits);
  config.onChange("notify-keyspace-events", events);
}

/**
 * The program tsredis-server: configuration, log, server, listener, signals.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { SystemClock } from "../base/clock.ts";
import { machineMemoryBytes } from "../base/machine-memory.ts";
import { systemRandom } from "../base/random.ts";
import { realFiles } from "../base/real-files.ts";
import { levelStoreOptionsFor, openLevelStore } from "../cold/level-store.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { ThreadVerifier } from "../persistence/aof/verifier-thread.ts";
import { partThreads } from "../persistence/rdb-loading/part-threads.ts";
import { WorkerVerifier } from "../persistence/worker-verifier.ts";
import { BufferGarbage, processHeap } from "./buffer-garbage.ts";
import { helpText, versionText } from "./config/command-line.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { type LoadedConfig, loadConfig } from "./config/parser.ts";
import { beginDaemon, DAEMON_PID_FILE, isDaemon } from "./daemon.ts";
import { Entrances } from "./entrances.ts";
import { allowHeapGrowth } from "./heap-growth.ts";
import { inlineLittle, inlineMuch } from "./inlining.ts";
import { ServerLog } from "./log.ts";
import { LoopDelay } from "./loop-delay.ts";
import { limitClients, openFileLimit } from "./open-files.ts";
import { ProcessRoom } from "./process-room.ts";
import type { Server } from "./server.ts";
import { startServer } from "./start.ts";
import { preferEventLoop, startBehindLoop } from "./thread-priority.ts";
import { VERSION } from "./version.ts";

const DEFAULT_FOLDER = "data";

/** Runs the server until it is told to end. */
export async function main(argv: readonly string[]): Promise<void> {
  let input: Buffer | undefined;
  const loaded = readConfig(argv, () => {
    input = readFileSync(0);
    return input;
  });
  if (loaded === undefined) return;
  const { daemonize, pidfile } = loaded.config.values;
  if (daemonize && !isDaemon()) {
    beginDaemon(argv, input, (error) => {
      process.stderr.write(`Can't begin a process in the background: ${errorText(error)}\n`);
      process.exitCode = 1;
    });
    return;
  }
  if (daemonize && pidfile === "") loaded.config.load("pidfile", [DAEMON_PID_FILE]);
  await serve(loaded);
}

async function serve({ config, warnings }: LoadedConfig): Promise<void> {
  // `dir ./`, which every redis.conf has, means the working folder although that is the default of Redis.
  if (!config.isLoaded("dir")) {
    mkdirSync(DEFAULT_FOLDER, { recursive: true });
    config.load("dir", [DEFAULT_FOLDER]);
  }
  const { values } = config;
  const log = new ServerLog({
    level: values.loglevel,
    file: values.logfile === "" ? "" : config.resolve(values.logfile),
  });
  config.log = log;
  config.onChange("loglevel", () => {
    log.level = values.loglevel;
  });
  allowHeapGrowth(values.maxmemory);
  config.onChange("maxmemory", () => allowHeapGrowth(values.maxmemory));
  log.notice("oO0OoO0OoO0Oo tsredis is starting oO0OoO0OoO0Oo");
  log.notice(`tsredis version=${VERSION}, bits=64, pid=${process.pid}, just started`);
  for (const warning of warnings) log.warning(warning);
  let server: Server;
  let entrances: Entrances | undefined;
  const room = new ProcessRoom(machineMemoryBytes());
  inlineLittle();
  try {
    limitClients(config, openFileLimit(), log);
    server = await startServer(
      {
        files: realFiles,
        openStore: openLevelStore(levelStoreOptionsFor(values.maxmemory, values["cold-tier-cache-size"])),
        clock: new SystemClock(),
        random: systemRandom,
        log,
        openAofVerifier: (path, task, file) => ThreadVerifier.open({ path, ...task }, file),
        partThreads: partThreads(availableParallelism()),
        createVerifier: (small) => new WorkerVerifier(small, startBehindLoop),
      },
      config,
      async (opened) => {
        entrances = new Entrances(opened);
        await listen(entrances, opened, config);
        // Who waits for this line, as Redis's tests do, connects next.
        log.notice(`PID: ${process.pid}`);
        log.notice("Server initialized");
      },
    );
  } catch (error) {
    log.warning(`Fatal error, can't start: ${errorText(error)}${pathIn(error)}`);
    process.exit(1);
  }
  inlineMuch();
  if (process.env["TSREDIS_LOOP_DELAY"] === "1") server.statistics.loopDelay = new LoopDelay();
  server.cron.start();
  // Not while data is loaded: nobody looks after waiting commands then if the limit changes.
  room.start(server);
  const { slabs, huge } = server.keyspace.entries;
  const heap = processHeap(() => slabs.reservedBytes + huge.allocatedBytes);
  new BufferGarbage(
    heap,
    () => values.maxmemory,
    () => room.spareBytes,
  ).start();
  preferEventLoop();
  if (values.pidfile !== "") writePidFile(config, log);
  log.notice(readyLine(config, entrances!.describe()));
}

/** Which file a system's error is about, in words behind its text. */
function pathIn(error: unknown): string {
  return error instanceof Error && "path" in error ? `: ${String(error.path)}` : "";
}

function readConfig(argv: readonly string[], readStdin: () => Buffer): LoadedConfig | undefined {
  try {
    const loaded = loadConfig(argv, readStdin);
    if (loaded.kind === "run") return loaded;
    process.stdout.write(loaded.kind === "help" ? helpText("tsredis-server") : versionText(VERSION));
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(error.report(VERSION));
    process.exit(1);
  }
}

async function listen(entrances: Entrances, server: Server, config: Config): Promise<void> {
  const { values } = config;
  await entrances.open();
  const { shutdowns } = server.services;
  shutdowns.onBegin = () => entrances.close();
  shutdowns.onEnded = (code) => {
    if (values.pidfile !== "") rmSync(config.resolve(values.pidfile), { force: true });
    process.exit(code);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => shutdowns.signalled(signal));
}

function writePidFile(config: Config, log: ServerLog): void {
  try {
    writeFileSync(config.resolve(config.values.pidfile), `${process.pid}\n`);
  } catch (error) {
    log.warning(`Failed to write PID file: ${errorText(error)}`);
  }
}

/** All that the first look at the log should tell. */
function readyLine(config: Config, places: string): string {
  const { values } = config;
  const memory = values.maxmemory === 0 ? "no memory budget" : `memory budget ${inUnits(values.maxmemory)}`;
  const fsync = values.appendonly ? `appendfsync ${values.appendfsync}` : "appendonly no";
  return `Ready to accept connections: tsredis ${VERSION} on ${places}, data in ${values.dir}, ${memory}, ${fsync}`;
}

function inUnits(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

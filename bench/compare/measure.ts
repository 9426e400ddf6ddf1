/**
 * Measures one server: drives it with redis-benchmark, or fills its memory.
 */
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { infoField, PipelineClient } from "../support/pipeline-client.ts";
import { memoryUse, processorSeconds } from "../support/process-statistics.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { CLIENTS, KEYS, type Persistence, type SpeedCase, VALUE_BYTES } from "./cases.ts";
import { fill } from "./content.ts";
import { driveTransactions, type LoadFigures, subscribe } from "./own-load.ts";

const ROUND_TIMEOUT_MS = 180_000;
/** Collectors and allocators get this long to settle before memory is read. */
const SETTLE_MS = 2000;
const MICROSECONDS = 1e6;

const run = promisify(execFile);

/** What the clients saw, and what it cost the server. */
export interface Speed extends LoadFigures {
  /** Processor time of the server, all threads, per command. */
  readonly processorMicroseconds: number;
}

/** Options by which tsredis and Redis do the same work. */
export function persistenceArguments(persistence: Persistence): string[] {
  if (persistence === "none") return ["--appendonly", "no"];
  // A rewrite in the middle of a round would be measured with whichever server happens to have it.
  return ["--appendonly", "yes", "--appendfsync", persistence, "--auto-aof-rewrite-percentage", "0"];
}

/**
 * One round of a case on what it is to find. Throws if the server answered with errors, or lacked keys
 * that it should have.
 */
export async function measureSpeed(
  benchmark: string,
  server: ServerProcess,
  speedCase: SpeedCase,
  requests: number,
): Promise<Speed> {
  const { content, pipeline, subscribers = 0, workload } = speedCase;
  // redis-benchmark sends a few more than it is told to: what its connections have in flight at the end.
  const size = content.size === "requests" ? requests + CLIENTS * pipeline : content.size;
  await fill(server, { kind: content.kind, size });
  const client = await PipelineClient.connect(server.port);
  const listening = await subscribe(server.port, subscribers);
  try {
    await client.command("CONFIG", "RESETSTAT");
    const before = processorSeconds(server.pid);
    const figures =
      workload === "transactions"
        ? await driveTransactions(server.port, requests)
        : await driveBenchmark(benchmark, server.port, requests, pipeline, workload);
    const used = processorSeconds(server.pid) - before;
    const stats = await client.text("INFO", "stats");
    for (const field of ["total_error_replies", "keyspace_misses"]) {
      const value = infoField(stats, field);
      // A counter key that does not exist yet is no miss for INCR in either server; SET asks for none.
      if (value !== "0" && speedCase.name !== "incr-p16")
        throw new Error(`${speedCase.name}: ${field} is ${value}`);
    }
    return { ...figures, processorMicroseconds: (used / requests) * MICROSECONDS };
  } finally {
    for (const socket of listening) socket.destroy();
    client.close();
  }
}

async function driveBenchmark(
  benchmark: string,
  port: number,
  requests: number,
  pipeline: number,
  workload: readonly string[],
): Promise<LoadFigures> {
  const args = ["-h", "127.0.0.1", "-p", String(port), "--csv", "-c", String(CLIENTS)];
  args.push("-n", String(requests), "-P", String(pipeline), "-d", String(VALUE_BYTES), "-r", String(KEYS));
  args.push(...workload);
  const { stdout } = await run(benchmark, args, { timeout: ROUND_TIMEOUT_MS, killSignal: "SIGKILL" });
  return parseCsv(stdout);
}

/**
 * The figures in what `redis-benchmark --csv` prints: a line of titles, then one of figures, each in quotes.
 */
function parseCsv(output: string): LoadFigures {
  const [titles, figures] = output
    .trim()
    .split("\n")
    .slice(-2)
    .map((line) => line.slice(1, -1).split('","'));
  const figure = (title: string) => {
    const value = Number(figures?.[titles?.indexOf(title) ?? -1]);
    if (!(value >= 0)) throw new Error(`redis-benchmark printed no ${title}:\n${output}`);
    return value;
  };
  return {
    commandsPerSecond: figure("rps"),
    p50Ms: figure("p50_latency_ms"),
    p99Ms: figure("p99_latency_ms"),
  };
}

/** By how many bytes a server's resident memory grows when it gets `keys` keys. */
export async function measureMemory(server: ServerProcess, keys: number): Promise<number> {
  const before = memoryUse(server.pid).residentBytes;
  await fill(server, { kind: "strings", size: keys });
  await sleep(SETTLE_MS);
  return memoryUse(server.pid).residentBytes - before;
}

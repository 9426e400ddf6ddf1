/**
 * `node dist/bench/save.js`: what a snapshot costs this server, and a redis-server beside it on the same data: how long
 * SAVE takes without load, and what BGSAVE (or BGREWRITEAOF) adds to memory and to the time of an answer under full
 * write load.
 *
 * Memory is the proportional set size of the server and its children together: what the child of Redis shares with its
 * parent counts once. It is measured in other rounds than times of answers, since it takes the system some milliseconds
 * that the server cannot have. Times of answers are round trips of PING, every 2 ms over a connection of its own.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { SeededRandom } from "../src/base/random.ts";
import { type Observation, Observer } from "./larger-than-memory/observer.ts";
import { encodeCommand, infoField, PipelineClient } from "./support/pipeline-client.ts";
import { positiveInteger, progress, runProgram } from "./support/program.ts";
import { startPair } from "./support/server-pair.ts";
import type { Program, ServerProcess } from "./support/server-process.ts";
import { count, formatTable, median, megabytes, times } from "./support/table.ts";

const HELP = `Usage: node dist/bench/save.js [options]

  --keys N           keys in the database (1000000)
  --bytes N          bytes of each value (100)
  --rounds N         SAVEs without load, and BGSAVEs under load: for times of answers, and again for memory (5)
  --pipeline N       commands that a client of the load sends at once (1)
  --redis PROGRAM    the server to compare with (redis-server)
  --benchmark PROGRAM
                     where the load comes from (redis-benchmark)
  --rewrite          BGREWRITEAOF instead of BGSAVE, with an append-only file
  --dir FOLDER       where the servers run, on a real disk (the system's temporary folder)
  --help             this text

The load is SET of random keys with 50 connections.`;

const BATCH = 1000;
/** Before anything is measured, and between measurements. */
const SETTLE_MS = 2000;
/** How long the load is watched without a save. */
const QUIET_MS = 15_000;
const MEMORY_EVERY_MS = 50;
const POLL_MS = 20;

interface Options {
  readonly keys: number;
  readonly bytes: number;
  readonly rounds: number;
  readonly pipeline: number;
  readonly redis: Program;
  readonly benchmark: string;
  readonly dir: string;
  readonly rewrite: boolean;
}

interface Result {
  readonly saveSeconds: number[];
  readonly datasetBytes: number;
  readonly addedBytes: number;
  readonly bgsaveSeconds: number[];
  readonly quiet: Observation;
  readonly saving: Observation;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      keys: { type: "string", default: "1000000" },
      bytes: { type: "string", default: "100" },
      rounds: { type: "string", default: "5" },
      pipeline: { type: "string", default: "1" },
      redis: { type: "string", default: "redis-server" },
      benchmark: { type: "string", default: "redis-benchmark" },
      dir: { type: "string", default: "" },
      rewrite: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    keys: positiveInteger("keys", values.keys),
    bytes: positiveInteger("bytes", values.bytes),
    rounds: positiveInteger("rounds", values.rounds),
    pipeline: positiveInteger("pipeline", values.pipeline),
    redis: [values.redis],
    benchmark: values.benchmark,
    dir: values.dir,
    rewrite: values.rewrite,
  };
}

async function run(options: Options): Promise<void> {
  const log = options.rewrite ? "yes" : "no";
  const pair = await startPair(options, ["--appendonly", log, "--auto-aof-rewrite-percentage", "0"]);
  try {
    const results: [string, Result][] = [];
    for (const [name, server] of [
      ["Redis", pair.redis],
      ["tsredis", pair.tsredis],
    ] as const) {
      results.push([name, await measure(name, server, options)]);
    }
    print(options, results);
  } finally {
    await pair.end();
  }
}

async function measure(name: string, server: ServerProcess, options: Options): Promise<Result> {
  const client = await PipelineClient.connect(server.port, 600_000);
  try {
    progress(`${name}: filling`);
    const empty = proportionalBytes(server.pid);
    await fill(client, options);
    await sleep(SETTLE_MS);
    const datasetBytes = proportionalBytes(server.pid) - empty;
    const saveSeconds: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      progress(`${name}: SAVE ${round + 1} of ${options.rounds}`);
      const begun = performance.now();
      await client.command("SAVE");
      saveSeconds.push((performance.now() - begun) / 1000);
    }
    return { saveSeconds, datasetBytes, ...(await underLoad(name, server, client, options)) };
  } finally {
    client.close();
  }
}

async function fill(client: PipelineClient, { keys, bytes }: Options): Promise<void> {
  const random = new SeededRandom(1);
  for (let first = 0; first < keys; first += BATCH) {
    const commands: Buffer[] = [];
    for (let i = first; i < Math.min(keys, first + BATCH); i++) {
      // The names that redis-benchmark uses, and values that do not compress, as its own.
      commands.push(encodeCommand(["SET", `key:${String(i).padStart(12, "0")}`, random.bytes(bytes)]));
    }
    const replies = await client.batch(Buffer.concat(commands), commands.length);
    const failure = replies.find((reply) => reply instanceof Error);
    if (failure !== undefined) throw failure;
  }
}

async function underLoad(
  name: string,
  server: ServerProcess,
  client: PipelineClient,
  options: Options,
): Promise<Omit<Result, "saveSeconds" | "datasetBytes">> {
  const { benchmark, keys, bytes, pipeline, rounds } = options;
  const load = spawn(
    benchmark,
    ["-p", server.port, "-t", "set", "-r", keys, "-d", bytes, "-P", pipeline, "-n", 2_000_000_000, "-q"].map(
      String,
    ),
    { stdio: "ignore" },
  );
  const observer = new Observer({ port: server.port, pid: server.pid });
  try {
    progress(`${name}: load`);
    await sleep(SETTLE_MS);
    await observer.take();
    await sleep(QUIET_MS);
    const quiet = await observer.take();
    const before = proportionalBytes(server.pid);
    await observer.take();
    const bgsaveSeconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`${name}: ${commandOf(options)} ${round + 1} of ${rounds}`);
      bgsaveSeconds.push(await backgroundSave(client, options));
    }
    const saving = await observer.take();
    progress(`${name}: memory`);
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, proportionalBytes(server.pid));
    }, MEMORY_EVERY_MS);
    for (let round = 0; round < rounds; round++) await backgroundSave(client, options);
    clearInterval(timer);
    return { addedBytes: most - before, bgsaveSeconds, quiet, saving };
  } finally {
    await observer.end();
    load.kill();
    await once(load, "exit");
  }
}

function commandOf({ rewrite }: Options): string {
  return rewrite ? "BGREWRITEAOF" : "BGSAVE";
}

/** Orders a BGSAVE, or a rewrite, and waits for its end; how many seconds it took. */
async function backgroundSave(client: PipelineClient, options: Options): Promise<number> {
  const begun = performance.now();
  await client.command(commandOf(options));
  const field = options.rewrite ? "aof_rewrite_in_progress" : "rdb_bgsave_in_progress";
  while (infoField(await client.text("INFO", "persistence"), field) !== "0") await sleep(POLL_MS);
  return (performance.now() - begun) / 1000;
}

/** Memory of a process and its children, shared pages counted once. */
function proportionalBytes(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  const pids = [pid, ...(children === "" ? [] : children.split(" ").map(Number))];
  let bytes = 0;
  for (const each of pids) {
    try {
      const text = readFileSync(`/proc/${each}/smaps_rollup`, "latin1");
      bytes += Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
    } catch {
      // A child that has just ended.
    }
  }
  return bytes;
}

function print(options: Options, results: readonly [string, Result][]): void {
  const header = [
    "",
    "SAVE",
    "keys/s",
    commandOf(options),
    "added memory",
    "p99.9 without",
    "p99.9 saving",
    "",
    "longest",
  ];
  const rows = results.map(([name, { quiet, saving, ...result }]) => [
    name,
    `${median(result.saveSeconds).toFixed(2)} s`,
    count(options.keys / median(result.saveSeconds)),
    `${median(result.bgsaveSeconds).toFixed(2)} s`,
    `${megabytes(result.addedBytes)} (${((result.addedBytes * 100) / result.datasetBytes).toFixed(1)} %)`,
    `${quiet.pingP999Ms.toFixed(2)} ms`,
    `${saving.pingP999Ms.toFixed(2)} ms`,
    times(saving.pingP999Ms, quiet.pingP999Ms),
    `${saving.pingMaxMs.toFixed(1)} ms`,
  ]);
  progress("");
  console.log(formatTable(header, rows));
  const [[, redis], [, own]] = results;
  const rate = median(redis.saveSeconds) / median(own.saveSeconds);
  console.log(`Wanted: at least 1.0x of Redis's rate (${rate.toFixed(2)}x), added memory of at most 15 %,`);
  console.log("p99.9 of at most 2x while saving.");
}

await runProgram(async () => {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await run(options);
  return true;
});

/**
 * `npm run bench:larger-than-memory`: many times more data than memory, loaded, read, walked and brought back
 * after a kill. Every value is checked; each target is printed with whether it was met, and the exit status
 * is 1 if one was not.
 */
import { parseArgs } from "node:util";
import { parseMemory } from "../src/server/config/numbers.ts";
import { type Observation, Observer } from "./larger-than-memory/observer.ts";
import { indexOf, keyOf, ValueMaker } from "./larger-than-memory/values.ts";
import {
  type Dataset,
  load,
  type Phase,
  readAll,
  readAtRandom,
  scanAll,
} from "./larger-than-memory/workload.ts";
import { infoField, PipelineClient } from "./support/pipeline-client.ts";
import { memoryUse } from "./support/process-statistics.ts";
import { positiveInteger, runProgram } from "./support/program.ts";
import {
  removeFolder,
  ServerProcess,
  type ServerSetup,
  TSREDIS,
  temporaryFolder,
} from "./support/server-process.ts";
import { count, formatTable, megabytes } from "./support/table.ts";

/** Memory beside maxmemory that the process may take: Node itself, LevelDB's cache and buffers. */
const MEMORY_BESIDE_BYTES = 200 * 1024 * 1024;
const RESTART_TARGET_MS = 2000;
/** Of the server's own measurement, in any phase. */
const LOOP_DELAY_TARGET_MS = 20;
const RESTART_POLL_MS = 5;
const READS_AFTER_RESTART = 10_000;
const NANOSECONDS_PER_MS = 1e6;

const HELP = `Usage: npm run bench:larger-than-memory -- [options]

  --keys N          keys to load (1000000)
  --value-size N    bytes of a value (1024); half of them random
  --factor N        N times as many keys: 10 is the run with ten times the data (1)
  --maxmemory SIZE  the server's memory budget (64mb)
  --reads N         random reads (200000)
  --connections N   connections that load and read (16)
  --dir FOLDER      where the data goes, on a real disk (the system's temporary folder)
  --help            this text

Loads the data, reads at random, reads everything back, counts and walks the keys, kills the server and starts
it again. Meanwhile it watches the server's memory and its event loop. Exits with 1 if a target is missed.`;

interface Options extends Dataset {
  readonly maxmemory: string;
  readonly reads: number;
  readonly connections: number;
  readonly dir: string;
}

interface Target {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly isMet: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      keys: { type: "string", default: "1000000" },
      "value-size": { type: "string", default: "1024" },
      factor: { type: "string", default: "1" },
      maxmemory: { type: "string", default: "64mb" },
      reads: { type: "string", default: "200000" },
      connections: { type: "string", default: "16" },
      dir: { type: "string", default: "" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    keys: positiveInteger("keys", values.keys) * positiveInteger("factor", values.factor),
    valueBytes: positiveInteger("value-size", values["value-size"]),
    maxmemory: values.maxmemory,
    reads: positiveInteger("reads", values.reads),
    connections: positiveInteger("connections", values.connections),
    dir: values.dir,
  };
}

/** Runs all phases on one data directory; true if all targets were met. */
async function run(chosen: Options): Promise<boolean> {
  const { keys, maxmemory, valueBytes } = chosen;
  const budget = parseMemory(maxmemory);
  if (budget === undefined || budget === 0n)
    throw new Error(`--maxmemory takes a memory size, not ${maxmemory}`);
  const folder = temporaryFolder(chosen.dir);
  const setup: ServerSetup = {
    program: TSREDIS,
    args: ["--maxmemory", maxmemory],
    folder,
    environment: { TSREDIS_LOOP_DELAY: "1" },
  };
  const times = ((keys * valueBytes) / Number(budget)).toFixed(1);
  console.log(
    `${count(keys)} values of ${count(valueBytes)} B, maxmemory ${maxmemory}: ${times} times as much data`,
  );
  console.log(`data in ${folder}\n`);
  const targets: Target[] = [];
  const server = await ServerProcess.start(setup);
  try {
    await useServer(server, chosen, Number(budget), targets);
  } finally {
    await server.end("SIGKILL");
  }
  await restart(setup, chosen, targets);
  removeFolder(folder);
  const rows = targets.map(({ what, measured, target, isMet }) => [
    what,
    measured,
    target,
    isMet ? "PASS" : "FAIL",
  ]);
  console.log(`\n${formatTable(["target", "measured", "wanted", ""], rows)}`);
  return targets.every(({ isMet }) => isMet);
}

/** Everything that happens before the kill. */
async function useServer(
  server: ServerProcess,
  chosen: Options,
  budgetBytes: number,
  targets: Target[],
): Promise<void> {
  const connecting = Array.from({ length: chosen.connections }, () => PipelineClient.connect(server.port));
  const clients = await Promise.all(connecting);
  const watch = new Watch(new Observer({ port: server.port, pid: server.pid }), clients[0]);
  try {
    await watch.begin();
    await loadAndRead(clients, chosen, watch, targets);
    targets.push(...(await countKeys(clients[0], chosen)));
    await watch.end("scan");
    await showTier(clients[0]);
    const peak = megabytes(memoryUse(server.pid).peakBytes);
    console.log(`memory        at most ${megabytes(watch.residentBytes)} when looked at, ${peak} ever`);
    targets.push(...watch.targets(budgetBytes));
  } finally {
    await watch.observer.end();
    for (const client of clients) client.close();
  }
}

async function loadAndRead(
  clients: readonly PipelineClient[],
  chosen: Options,
  watch: Watch,
  targets: Target[],
): Promise<void> {
  const loaded = await load(clients, chosen);
  const megabytesPerSecond = megabytes((chosen.keys * chosen.valueBytes) / loaded.seconds);
  console.log(`load          ${rate(loaded)}, ${megabytesPerSecond}/s`);
  await watch.end("load");
  targets.push(allRight("values stored without an error", loaded));

  const random = await readAtRandom(clients, chosen, chosen.reads);
  const latencies = [50, 99, 99.9].map((percent) => {
    return `p${percent} ${(random.latency.percentile(percent) / NANOSECONDS_PER_MS).toFixed(2)} ms`;
  });
  console.log(`random reads  ${rate(random)}, ${chosen.connections} at a time: ${latencies.join(", ")}`);
  await watch.end("random reads");
  targets.push(allRight("random reads correct", random));

  const all = await readAll(clients, chosen);
  console.log(`full read     ${rate(all)}`);
  await watch.end("full read");
  targets.push(allRight("values read back, each compared", all));
}

/** Reads the observer and the server's own figures at the end of each phase. */
class Watch {
  readonly observer: Observer;
  residentBytes = 0;
  private readonly client: PipelineClient;
  private worstLoopDelayMs = -1;
  private worstPhase = "";

  constructor(observer: Observer, client: PipelineClient) {
    this.observer = observer;
    this.client = client;
  }

  /** Forgets what was before. */
  async begin(): Promise<Observation> {
    // The client's own garbage is collected between the phases, not within one.
    globalThis.gc?.();
    await this.client.command("CONFIG", "RESETSTAT");
    return this.observer.take();
  }

  async end(phase: string): Promise<void> {
    const info = await this.client.text("INFO", "stats");
    const seen = await this.begin();
    this.residentBytes = Math.max(this.residentBytes, seen.residentBytes);
    const p999 = Number(infoField(info, "event_loop_delay_p999_ms"));
    const max = Number(infoField(info, "event_loop_delay_max_ms"));
    if (!(p999 <= this.worstLoopDelayMs)) {
      this.worstLoopDelayMs = p999;
      this.worstPhase = phase;
    }
    console.log(
      `              event loop p99.9 ${p999.toFixed(1)} ms, max ${max.toFixed(1)} ms; ` +
        `PING (${count(seen.pings)}) p50 ${seen.pingP50Ms.toFixed(2)} ms, ` +
        `p99.9 ${seen.pingP999Ms.toFixed(1)} ms, ` +
        `max ${seen.pingMaxMs.toFixed(1)} ms; ` +
        `memory ${megabytes(seen.residentBytes)} (${megabytes(seen.fileBytes)} of it mapped files)`,
    );
  }

  targets(budgetBytes: number): Target[] {
    const limit = budgetBytes + MEMORY_BESIDE_BYTES;
    return [
      {
        what: "resident memory, at most",
        measured: megabytes(this.residentBytes),
        target: `<= ${megabytes(limit)}`,
        isMet: this.residentBytes > 0 && this.residentBytes <= limit,
      },
      {
        what: `event loop delay p99.9, worst phase (${this.worstPhase})`,
        measured: `${this.worstLoopDelayMs.toFixed(1)} ms`,
        target: `<= ${LOOP_DELAY_TARGET_MS} ms`,
        isMet: this.worstLoopDelayMs <= LOOP_DELAY_TARGET_MS,
      },
    ];
  }
}

/** DBSIZE and a whole SCAN. */
async function countKeys(client: PipelineClient, { keys, valueBytes }: Dataset): Promise<Target[]> {
  const size = await client.command("DBSIZE");
  const scan = await scanAll(client, { keys, valueBytes });
  const extra = `${count(scan.foreign)} foreign, ${count(scan.repeated)} repeated`;
  console.log(`scan          ${count(scan.found)} keys in ${scan.seconds.toFixed(1)} s, ${extra}`);
  return [
    { what: "DBSIZE", measured: String(size), target: `${keys}`, isMet: size === keys },
    {
      what: "keys that SCAN returned (and foreign ones)",
      measured: `${scan.found} (${scan.foreign})`,
      target: `${keys} (0)`,
      isMet: scan.found === keys && scan.foreign === 0,
    },
  ];
}

async function showTier(client: PipelineClient): Promise<void> {
  const info = await client.text("INFO", "everything");
  const field = (name: string) => Number(infoField(info, name));
  console.log(
    `tier          ${count(field("hot_keys"))} keys hot, ${count(field("cold_keys"))} cold, ` +
      `${count(field("tier_spilled_entries"))} written, ` +
      `${count(field("tier_dropped_entries"))} dropped clean, ` +
      `${count(field("tier_memory_waits"))} waits for memory, ${count(field("aof_rewrites"))} rewrites`,
  );
}

/** Starts the server that was killed, and looks whether everything is there. */
async function restart(setup: ServerSetup, chosen: Options, targets: Target[]): Promise<void> {
  const probe = chosen.keys >> 1;
  const maker = new ValueMaker(chosen.valueBytes);
  const begunMs = performance.now();
  const server = await ServerProcess.spawn(setup);
  try {
    await server.firstReply(["GET", keyOf(probe)], (reply) => maker.matches(probe, reply), RESTART_POLL_MS);
    const tookMs = performance.now() - begunMs;
    const client = await PipelineClient.connect(server.port);
    console.log(`restart       after kill -9: first correct reply after ${tookMs.toFixed(0)} ms`);
    for (const [line] of server.log.matchAll(/[^\n]* loaded from [^\n]*/g))
      console.log(`              ${line}`);
    const size = await client.command("DBSIZE");
    const reads = await readAtRandom([client], chosen, Math.min(READS_AFTER_RESTART, chosen.reads));
    const key = (await client.command("RANDOMKEY")) as Buffer;
    client.close();
    targets.push(
      {
        what: "restart after kill -9 to the first correct GET",
        measured: `${tookMs.toFixed(0)} ms`,
        target: `< ${RESTART_TARGET_MS} ms`,
        isMet: tookMs < RESTART_TARGET_MS,
      },
      {
        what: "DBSIZE after the restart",
        measured: String(size),
        target: `${chosen.keys}`,
        isMet: size === chosen.keys && indexOf(key) >= 0,
      },
      allRight("random reads correct after the restart", reads),
    );
  } finally {
    await server.end("SIGTERM");
  }
}

function rate({ commands, seconds }: Phase): string {
  return `${count(commands)} in ${seconds.toFixed(1)} s: ${count(commands / seconds)} a second`;
}

function allRight(what: string, { commands, firstWrong, wrong }: Phase): Target {
  const detail = wrong === 0 ? "" : ` (${firstWrong})`;
  return {
    what,
    measured: `${count(commands - wrong)}${detail}`,
    target: count(commands),
    isMet: wrong === 0,
  };
}

await runProgram(async () => {
  const options = readOptions();
  if (options !== undefined) return run(options);
  console.log(HELP);
  return true;
});

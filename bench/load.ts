/**
 * `node dist/bench/load.js`: how long this server and a redis-server take to load the same files: a dump, and an
 * append-only file of commands. Redis writes both; each start has a copy of its own. What this server itself writes for
 * the same commands is loaded by it as well.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SeededRandom } from "../src/base/random.ts";
import { type Dataset, datasetsOf } from "./load/datasets.ts";
import { PipelineClient } from "./support/pipeline-client.ts";
import { processorSeconds } from "./support/process-statistics.ts";
import { positiveInteger, progress, runProgram, selection } from "./support/program.ts";
import {
  type Program,
  removeFolder,
  ServerProcess,
  TSREDIS,
  temporaryFolder,
} from "./support/server-process.ts";
import { formatTable, median, times } from "./support/table.ts";

const HELP = `Usage: node dist/bench/load.js [options]

  --keys N           keys of the strings; the mix has about as many elements (1000000)
  --rounds N         starts of each server with each file (5)
  --only NAMES       strings, mix (all)
  --redis PROGRAM    the server to compare with (redis-server)
  --dir FOLDER       where the servers run, on a real disk (the system's temporary folder)
  --help             this text

Seconds are those from the start of the program to its first PONG; processor time is that of all its threads. Loading is
the part of it that the server itself calls so in its log ("DB loaded from ...").`;

const POLL_MS = 5;
const NO_REWRITE = ["--auto-aof-rewrite-percentage", "0"];
const WITH_LOG = ["--appendonly", "yes", ...NO_REWRITE];
const WITHOUT_LOG = ["--appendonly", "no"];
/** What both servers say of all files together. */
const LOADED = /DB loaded from (?:disk|append only file): ([\d.]+) seconds/;

interface Options {
  readonly keys: number;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly redis: Program;
  readonly dir: string;
}

interface Start {
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Of `seconds`. */
  readonly loadingSeconds: number;
}

/** One row: files in a folder, and who loads them. */
interface Case {
  readonly title: string;
  readonly folder: string;
  readonly args: readonly string[];
  readonly servers: readonly (readonly [name: string, program: Program])[];
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      keys: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "5" },
      only: { type: "string", multiple: true, default: [] },
      redis: { type: "string", default: "redis-server" },
      dir: { type: "string", default: "" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    keys: positiveInteger("keys", values.keys),
    rounds: positiveInteger("rounds", values.rounds),
    only: selection(values.only, ["strings", "mix"]),
    redis: [values.redis],
    dir: values.dir,
  };
}

async function run(options: Options): Promise<void> {
  const rows: string[][] = [];
  for (const dataset of datasetsOf(options.keys)) {
    if (!options.only.includes(dataset.name)) continue;
    for (const each of await makeFiles(dataset, options)) rows.push(await measure(each, options));
  }
  progress("");
  const columns = ["seconds", "processor", "loading"].flatMap((what) => [
    `${what}: Redis`,
    "tsredis",
    "rate",
  ]);
  console.log(formatTable(["", ...columns], rows));
  console.log("Wanted: at least 1.0x of Redis's rate with its files.");
}

/** The three sets of files of a dataset. */
async function makeFiles(dataset: Dataset, options: Options): Promise<Case[]> {
  const { dir, redis } = options;
  const both = [
    ["Redis", redis],
    ["tsredis", TSREDIS],
  ] as const;
  const stock = temporaryFolder(dir);
  await fill(dataset, redis, stock, true);
  const own = temporaryFolder(dir);
  await fill(dataset, TSREDIS, own, false);
  return [
    { title: `${dataset.name}: dump.rdb`, folder: stock, args: WITHOUT_LOG, servers: both },
    { title: `${dataset.name}: append-only file`, folder: stock, args: WITH_LOG, servers: both },
    { title: `${dataset.name}: own append-only file`, folder: own, args: WITH_LOG, servers: [both[1]] },
  ];
}

/** Has a server write an append-only file, and a dump if asked. */
async function fill(dataset: Dataset, program: Program, folder: string, withDump: boolean): Promise<void> {
  progress(`${dataset.name}: writing the files`);
  const server = await ServerProcess.start({ program, args: WITH_LOG, folder });
  const client = await PipelineClient.connect(server.port, 600_000);
  for (const { bytes, commands } of dataset.batches(new SeededRandom(1))) {
    const failure = (await client.batch(bytes, commands)).find((reply) => reply instanceof Error);
    if (failure !== undefined) throw failure;
  }
  if (withDump) await client.command("SAVE");
  client.close();
  await server.end("SIGTERM");
}

async function measure({ title, folder, args, servers }: Case, options: Options): Promise<string[]> {
  const starts = new Map<string, Start[]>();
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, program] of servers) {
      progress(`${title}: ${name}, ${round + 1} of ${options.rounds}`);
      const start = await timeStart(program, args, folder, options.dir);
      starts.set(name, [...(starts.get(name) ?? []), start]);
    }
  }
  const of = (name: string, part: keyof Start): number | undefined => {
    const found = starts.get(name);
    return found && median(found.map((start) => start[part]));
  };
  const figures = (["seconds", "processorSeconds", "loadingSeconds"] as const).flatMap((part) => {
    const [theirs, ours] = [of("Redis", part), of("tsredis", part)!];
    return [inSeconds(theirs), inSeconds(ours), theirs === undefined ? "" : times(theirs, ours)];
  });
  return [title, ...figures];
}

function inSeconds(value: number | undefined): string {
  return value === undefined ? "" : `${value.toFixed(2)} s`;
}

/** Starts a server with a copy of the files. */
async function timeStart(
  program: Program,
  args: readonly string[],
  source: string,
  dir: string,
): Promise<Start> {
  const folder = temporaryFolder(dir);
  try {
    const names = args === WITHOUT_LOG ? ["dump.rdb"] : ["appendonlydir"];
    for (const name of names) cpSync(join(source, name), join(folder, name), { recursive: true });
    const begun = performance.now();
    const server = await ServerProcess.spawn({ program, args, folder });
    try {
      await server.firstReply(["PING"], () => true, POLL_MS);
      const seconds = (performance.now() - begun) / 1000;
      const [processor, loading] = [processorSeconds(server.pid), await server.logged(LOADED, POLL_MS)];
      return { seconds, processorSeconds: processor, loadingSeconds: Number(loading[1]) };
    } finally {
      await server.end("SIGKILL");
    }
  } finally {
    removeFolder(folder);
  }
}

await runProgram(async () => {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await run(options);
  return true;
});

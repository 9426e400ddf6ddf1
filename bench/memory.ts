/**
 * `npm run bench:memory`: what large collections, and many small ones, take of memory in this server and in a
 * redis-server; and what idle connections take. Each case has new servers, since memory that was used once is no
 * growth. Prints by how much the resident memory grew, for each item too, and what the servers themselves say
 * (used_memory).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { SeededRandom } from "../src/base/random.ts";
import { MEMORY_CASES, type MemoryCase } from "./memory/cases.ts";
import { CONNECTIONS, growByConnections, MOST_BYTES_EACH } from "./memory/connections.ts";
import { infoField, PipelineClient } from "./support/pipeline-client.ts";
import { memoryUse } from "./support/process-statistics.ts";
import { positiveInteger, progress, runProgram, selection } from "./support/program.ts";
import { startPair } from "./support/server-pair.ts";
import type { Program, ServerProcess } from "./support/server-process.ts";
import { count, formatTable, median, megabytes, times } from "./support/table.ts";

const IDLE_CONNECTIONS = "connections";
const NAMES = [...MEMORY_CASES.map(({ name }) => name), IDLE_CONNECTIONS];

const HELP = `Usage: npm run bench:memory -- [options]

  --rounds N           rounds of each case, with new servers; the medians count (1)
  --only CASE[,CASE]   only these cases; may be repeated
  --redis PROGRAM      the server to compare with (redis-server)
  --dir FOLDER         where the servers run, on a real disk (the system's temporary folder)
  --json               all figures of all rounds as JSON
  --help               this text

Cases: ${NAMES.join(", ")}.
"Growth" is that of resident memory from the empty server to the full one. "Used" is used_memory of INFO, and counts
the empty server too.`;

/** Commands for so many items are sent together. */
const BATCH = 1000;
/** Collectors and allocators get this long to settle before memory is read. */
const SETTLE_MS = 2000;

interface Options {
  readonly rounds: number;
  readonly only: readonly string[];
  readonly redis: Program;
  readonly dir: string;
  readonly json: boolean;
}

interface Growth {
  readonly residentBytes: number;
  readonly usedBytes: number;
}

interface Result {
  readonly memoryCase: MemoryCase;
  /** One of each per round. */
  readonly redis: Growth[];
  readonly tsredis: Growth[];
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "1" },
      only: { type: "string", multiple: true, default: [] },
      redis: { type: "string", default: "redis-server" },
      dir: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: positiveInteger("rounds", values.rounds),
    only: selection(values.only, NAMES),
    redis: [values.redis],
    dir: values.dir,
    json: values.json,
  };
}

async function run(options: Options): Promise<void> {
  await compareValues(options);
  if (options.only.includes(IDLE_CONNECTIONS)) await compareConnections(options);
}

/** Prints what idle connections take in both servers. */
async function compareConnections(options: Options): Promise<void> {
  const grown: { readonly redis: number[]; readonly tsredis: number[] } = { redis: [], tsredis: [] };
  for (let round = 0; round < options.rounds; round++) {
    progress(`${IDLE_CONNECTIONS}: round ${round + 1} of ${options.rounds}`);
    const pair = await startPair(options, ["--appendonly", "no", "--maxclients", String(2 * CONNECTIONS)]);
    try {
      grown.redis.push(await growByConnections(pair.redis));
      grown.tsredis.push(await growByConnections(pair.tsredis));
    } finally {
      await pair.end();
    }
  }
  progress("");
  if (options.json) {
    console.log(JSON.stringify({ connections: CONNECTIONS, ...grown }, undefined, 2));
    return;
  }
  const cells = [grown.redis, grown.tsredis].map((rounds) => {
    const bytes = median(rounds);
    return `${megabytes(bytes)} (${Math.round(bytes / CONNECTIONS)} B each)`;
  });
  const isMet = median(grown.tsredis) <= CONNECTIONS * MOST_BYTES_EACH;
  const wanted = [`<= ${MOST_BYTES_EACH} B each`, isMet ? "met" : "missed"];
  const header = ["idle", "Redis growth", "tsredis growth", "wanted", ""];
  console.log(formatTable(header, [[`connections (${count(CONNECTIONS)})`, ...cells, ...wanted]]));
}

async function compareValues(options: Options): Promise<void> {
  const results: Result[] = [];
  for (const memoryCase of MEMORY_CASES) {
    if (!options.only.includes(memoryCase.name)) continue;
    const result: Result = { memoryCase, redis: [], tsredis: [] };
    for (let round = 0; round < options.rounds; round++) {
      progress(`${memoryCase.name}: round ${round + 1} of ${options.rounds}`);
      const pair = await startPair(options, ["--appendonly", "no"]);
      try {
        result.redis.push(await grow(pair.redis, memoryCase));
        result.tsredis.push(await grow(pair.tsredis, memoryCase));
      } finally {
        await pair.end();
      }
    }
    results.push(result);
  }
  progress("");
  if (results.length === 0) return;
  if (options.json) {
    console.log(JSON.stringify(results, undefined, 2));
    return;
  }
  const header = ["a million of", "Redis growth", "tsredis growth", "ratio", "Redis used", "tsredis used"];
  console.log(formatTable([...header, "wanted", ""], results.map(row)));
}

/** Fills a server. Throws if it does not hold then what it should. */
async function grow(server: ServerProcess, { add, items, name, size }: MemoryCase): Promise<Growth> {
  const before = memoryUse(server.pid).residentBytes;
  const client = await PipelineClient.connect(server.port);
  const random = new SeededRandom(items);
  try {
    for (let first = 0; first < items; first += BATCH) {
      const commands = add(first, Math.min(items, first + BATCH), random);
      const replies = await client.batch(Buffer.concat(commands), commands.length);
      const failure = replies.find((reply) => reply instanceof Error);
      if (failure !== undefined) throw failure;
    }
    const found = await client.command(...size);
    if (found !== items) throw new Error(`${name}: ${String(found)} items after ${items} were added`);
    await sleep(SETTLE_MS);
    const residentBytes = memoryUse(server.pid).residentBytes - before;
    return {
      residentBytes,
      usedBytes: Number(infoField(await client.text("INFO", "memory"), "used_memory")),
    };
  } finally {
    client.close();
  }
}

function row({ memoryCase, redis, tsredis }: Result): string[] {
  const { items, name, target } = memoryCase;
  const theirs = median(redis.map(({ residentBytes }) => residentBytes));
  const ours = median(tsredis.map(({ residentBytes }) => residentBytes));
  const growth = (bytes: number) => `${megabytes(bytes)} (${(bytes / items).toFixed(1)} B each)`;
  return [
    `${name} (${count(items)})`,
    growth(theirs),
    growth(ours),
    times(ours, theirs),
    megabytes(median(redis.map(({ usedBytes }) => usedBytes))),
    megabytes(median(tsredis.map(({ usedBytes }) => usedBytes))),
    `<= ${target.toFixed(1)}x`,
    ours <= target * theirs ? "met" : "missed",
  ];
}

await runProgram(async () => {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await run(options);
  return true;
});

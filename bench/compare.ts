/**
 * `npm run bench:compare`: this server and a redis-server under the same load, in turns, so that whatever
 * else the machine does meets both. Prints the medians of all rounds, their ratio, and whether it is as
 * wanted.
 */
import { parseArgs } from "node:util";
import { MEMORY_CASE, type Persistence, SPEED_CASES, type SpeedCase } from "./compare/cases.ts";
import { measureMemory, measureSpeed, persistenceArguments, type Speed } from "./compare/measure.ts";
import { integerFrom, positiveInteger, progress, runProgram, selection } from "./support/program.ts";
import { startPair } from "./support/server-pair.ts";
import type { Program } from "./support/server-process.ts";
import { count, formatTable, median, megabytes, times } from "./support/table.ts";

const NAMES = [...SPEED_CASES.map(({ name }) => name), MEMORY_CASE.name];

const HELP = `Usage: npm run bench:compare -- [options]

  --rounds N           rounds of each case; the medians count (5)
  --warm-up N          rounds of each case before those, which do not count (2)
  --requests N         commands in a round (each case has its own number)
  --only CASE[,CASE]   only these cases; may be repeated
  --redis PROGRAM      the server to compare with (redis-server)
  --benchmark PROGRAM  what drives both (redis-benchmark)
  --dir FOLDER         where the data goes, on a real disk (the system's temporary folder)
  --json               all figures of all rounds as JSON
  --help               this text

Cases: ${NAMES.join(", ")}.
A transaction of multi-ten counts as one command. "CPU" is the server's processor time per command, user and system,
all threads. Without an append-only file that is what counts, because redis-benchmark itself is the bottleneck there:
commands per second of processor time. With one, throughput counts. The rounds before those that count are for V8,
which compiles what runs often: in the first million commands of a kind, one takes up to twice as long.`;

interface Options {
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly requests: number | undefined;
  readonly only: readonly string[];
  readonly redis: Program;
  readonly benchmark: string;
  readonly dir: string;
  readonly json: boolean;
}

interface SpeedResult {
  readonly speedCase: SpeedCase;
  /** One of each per round. */
  readonly redis: Speed[];
  readonly tsredis: Speed[];
}

interface MemoryResult {
  readonly redisBytes: number[];
  readonly tsredisBytes: number[];
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      "warm-up": { type: "string", default: "2" },
      requests: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      redis: { type: "string", default: "redis-server" },
      benchmark: { type: "string", default: "redis-benchmark" },
      dir: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: positiveInteger("rounds", values.rounds),
    warmUpRounds: integerFrom(0, "warm-up", values["warm-up"]),
    requests: values.requests === undefined ? undefined : positiveInteger("requests", values.requests),
    only: selection(values.only, NAMES),
    redis: [values.redis],
    benchmark: values.benchmark,
    dir: values.dir,
    json: values.json,
  };
}

async function run(options: Options): Promise<void> {
  const isWanted = (name: string) => options.only.includes(name);
  const speeds: SpeedResult[] = [];
  for (const persistence of ["none", "everysec", "always"] as const) {
    const cases = SPEED_CASES.filter((each) => each.persistence === persistence && isWanted(each.name));
    if (cases.length > 0) speeds.push(...(await compareSpeed(cases, persistence, options)));
  }
  const memory = isWanted(MEMORY_CASE.name) ? await compareMemory(options) : undefined;
  progress("");
  if (options.json) {
    console.log(JSON.stringify({ speeds, memory }, undefined, 2));
    return;
  }
  const header = ["case", "Redis/s", "tsredis/s", "ratio", "Redis CPU", "tsredis CPU", "ratio", "wanted", ""];
  if (speeds.length > 0) console.log(formatTable(header, speeds.map(speedRow)));
  if (memory !== undefined) console.log(memoryText(memory));
}

/** Runs cases that need the same servers. */
async function compareSpeed(
  cases: readonly SpeedCase[],
  persistence: Persistence,
  options: Options,
): Promise<SpeedResult[]> {
  const pair = await startPair(options, persistenceArguments(persistence));
  try {
    const results: SpeedResult[] = [];
    for (const speedCase of cases) {
      const result: SpeedResult = { speedCase, redis: [], tsredis: [] };
      const requests = options.requests ?? speedCase.requests;
      const { warmUpRounds, rounds } = options;
      for (let round = 1 - warmUpRounds; round <= rounds; round++) {
        progress(`${speedCase.name}: ${round > 0 ? `round ${round} of ${rounds}` : "warming up"}`);
        const theirs = await measureSpeed(options.benchmark, pair.redis, speedCase, requests);
        const ours = await measureSpeed(options.benchmark, pair.tsredis, speedCase, requests);
        if (round <= 0) continue;
        result.redis.push(theirs);
        result.tsredis.push(ours);
      }
      results.push(result);
    }
    return results;
  } finally {
    await pair.end();
  }
}

/** Fills new servers in each round: memory that was used once is no growth. */
async function compareMemory(options: Options): Promise<MemoryResult> {
  const result: MemoryResult = { redisBytes: [], tsredisBytes: [] };
  for (let round = 0; round < options.rounds; round++) {
    progress(`${MEMORY_CASE.name}: round ${round + 1} of ${options.rounds}`);
    const pair = await startPair(options, persistenceArguments("none"));
    try {
      result.redisBytes.push(await measureMemory(pair.redis, MEMORY_CASE.keys));
      result.tsredisBytes.push(await measureMemory(pair.tsredis, MEMORY_CASE.keys));
    } finally {
      await pair.end();
    }
  }
  return result;
}

function speedRow({ redis, speedCase, tsredis }: SpeedResult): string[] {
  const { name, persistence, target } = speedCase;
  const theirs = median(redis.map(({ commandsPerSecond }) => commandsPerSecond));
  const ours = median(tsredis.map(({ commandsPerSecond }) => commandsPerSecond));
  const theirProcessor = median(redis.map(({ processorMicroseconds }) => processorMicroseconds));
  const ourProcessor = median(tsredis.map(({ processorMicroseconds }) => processorMicroseconds));
  const isByProcessor = persistence === "none";
  const reached = isByProcessor ? theirProcessor / ourProcessor : ours / theirs;
  return [
    name,
    count(theirs),
    count(ours),
    times(ours, theirs),
    `${theirProcessor.toFixed(2)} µs`,
    `${ourProcessor.toFixed(2)} µs`,
    times(theirProcessor, ourProcessor),
    `${isByProcessor ? "CPU" : "throughput"} >= ${target.toFixed(1)}x`,
    reached >= target ? "met" : "missed",
  ];
}

function memoryText({ redisBytes, tsredisBytes }: MemoryResult): string {
  const theirs = median(redisBytes);
  const ours = median(tsredisBytes);
  const { keys, name, target } = MEMORY_CASE;
  const row = [
    name,
    `${megabytes(theirs)} (${(theirs / keys).toFixed(1)} B a key)`,
    `${megabytes(ours)} (${(ours / keys).toFixed(1)} B a key)`,
    times(ours, theirs),
    `<= ${target.toFixed(1)}x`,
    ours <= target * theirs ? "met" : "missed",
  ];
  const header = [`growth with ${count(keys)} keys`, "Redis", "tsredis", "ratio", "wanted", ""];
  return `\n${formatTable(header, [row])}`;
}

await runProgram(async () => {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await run(options);
  return true;
});

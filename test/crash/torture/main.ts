/**
 * `npm run torture`: the simulations of the tests, for as many seeds as one likes, on all processors. Whatever fails is
 * said with the command that repeats it.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { SingleBar } from "cli-progress";
import { PATH_NAMES, type PathName } from "./paths.ts";
import { runJobs } from "./pool.ts";
import type { Job, SeedResult } from "./worker.ts";

const HELP = `Usage: npm run torture -- [options]

  --seeds N      seeds of each path (1000)
  --from N       the first of them (1)
  --paths NAMES  ${PATH_NAMES.join(",")} (all)
  --threads N    how many run at a time (one for each processor)
  --json         the result as JSON
  --help         this text`;

/** Seeds that a thread gets at a time. */
const JOB_SEEDS = 20;
/** After so many failures it is known that something is wrong. */
const MAX_FAILURES = 10;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly paths: readonly PathName[];
  readonly threads: number;
  readonly json: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      paths: { type: "string", default: PATH_NAMES.join(",") },
      threads: { type: "string", default: String(availableParallelism()) },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const paths = values.paths.split(",").map((name) => {
    const path = PATH_NAMES.find((known) => known === name);
    if (path === undefined) throw new Error(`there is no path ${name}; there are ${PATH_NAMES.join(", ")}`);
    return path;
  });
  return {
    seeds: integer("seeds", values.seeds),
    from: integer("from", values.from),
    paths,
    threads: integer("threads", values.threads),
    json: values.json,
  };
}

function integer(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`--${option} takes a positive integer, not ${text}`);
  return number;
}

/** By turns, so that a run that is ended early has seen something of each path. */
function* jobsOf({ from, paths, seeds }: Options): Generator<Job> {
  for (let first = from; first < from + seeds; first += JOB_SEEDS) {
    const count = Math.min(JOB_SEEDS, from + seeds - first);
    for (const path of paths) yield { path, from: first, count };
  }
}

async function run(options: Options): Promise<boolean> {
  const failures: SeedResult[] = [];
  const done = new Map<PathName, number>(options.paths.map((path) => [path, 0]));
  const begun = performance.now();
  const bar = process.stderr.isTTY
    ? new SingleBar({
        stream: process.stderr,
        format: "{bar} {percentage}% | {value} of {total} seeds | {eta_formatted} left | {failures} failed",
      })
    : undefined;
  bar?.start(options.seeds * options.paths.length, 0, { failures: 0 });
  await runJobs({
    jobs: jobsOf(options),
    threads: options.threads,
    isEnough: () => failures.length >= MAX_FAILURES,
    onResult(result) {
      done.set(result.path, done.get(result.path)! + 1);
      if (result.error !== undefined) {
        failures.push(result);
        if (!options.json) complain(`\n${textOf(result)}`);
      }
      bar?.increment({ failures: failures.length });
    },
  });
  bar?.stop();
  const seconds = (performance.now() - begun) / 1000;
  if (options.json) {
    const listed = failures.map((failure) => ({ ...failure, isLast: undefined, repeat: commandOf(failure) }));
    print(JSON.stringify({ seconds, seeds: Object.fromEntries(done), failures: listed }, undefined, 2));
  } else {
    for (const [path, count] of done) print(`${path.padEnd(12)} ${count} seeds`);
    print(`${failures.length} failed, ${seconds.toFixed(1)} seconds`);
  }
  return failures.length === 0;
}

function textOf(result: SeedResult): string {
  return `${result.path}, seed ${result.seed}: ${result.error}\nRepeat it with: ${commandOf(result)}`;
}

function commandOf({ path, seed }: SeedResult): string {
  return `npm run torture -- --paths ${path} --from ${seed} --seeds 1`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

try {
  const options = readOptions();
  if (options === undefined) print(HELP);
  else process.exitCode = (await run(options)) ? 0 : 1;
} catch (error) {
  complain(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/**
 * `npm run bench`: micro-benchmarks of the parts that every command passes through, in one table. Arguments
 * are words; only tasks whose names hold one of them run.
 */
import { Bench } from "tinybench";
import { runProgram } from "../support/program.ts";
import { count, formatTable } from "../support/table.ts";
import { aofEncoderTasks } from "./aof-encoder.ts";
import { elementTableTasks } from "./element-table.ts";
import { hashTableTasks } from "./hash-table.ts";
import { listpackTasks } from "./listpack.ts";
import { recordTasks } from "./record.ts";
import { replyWriterTasks } from "./reply-writer.ts";
import { requestDecoderTasks } from "./request-decoder.ts";
import { slabTasks } from "./slabs.ts";
import { type MicroTask, sink } from "./task.ts";

const TIME_MS = 500;
const WARM_UP_MS = 200;
/** At least so many samples, also of tasks that take long. */
const SAMPLES = 10;
const NANOSECONDS_PER_MILLISECOND = 1e6;

const HELP = `Usage: npm run bench [-- <word>...]

Measures the server's inner parts: request decoder, reply writer, hash tables, allocator, listpacks, AOF
encoder, record codec. With words, only tasks whose names hold one of them. Columns: operations per second and
nanoseconds per operation by the median of all samples (what else runs on the machine hardly moves it), the mean
with its 95 % margin, and the number of samples.`;

async function run(words: readonly string[]): Promise<void> {
  if (words.includes("--help") || words.includes("-h")) {
    console.log(HELP);
    return;
  }
  const tasks = [
    ...requestDecoderTasks,
    ...replyWriterTasks,
    ...hashTableTasks(),
    ...elementTableTasks(),
    ...slabTasks(),
    ...listpackTasks(),
    ...aofEncoderTasks,
    ...recordTasks,
  ].filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (tasks.length === 0) throw new Error(`no task has ${words.join(" or ")} in its name`);
  const bench = new Bench({
    time: TIME_MS,
    warmupTime: WARM_UP_MS,
    iterations: SAMPLES,
    warmupIterations: 2,
    throws: true,
  });
  for (const task of tasks) bench.add(task.name, measured(task));
  await bench.run();
  const rows = tasks.map((task) => row(bench, task));
  console.log(formatTable(["task", "ops/s", "ns/op", "mean", "margin", "samples"], rows));
  console.log(`\nNode ${process.version}; results mixed into ${sink()}`);
}

/** The function that tinybench calls: timed as a whole, or by what the task itself has measured. */
function measured(task: MicroTask): () => unknown {
  return () => {
    const durationMs = task.run();
    return durationMs === undefined ? undefined : { overriddenDuration: durationMs };
  };
}

function row(bench: Bench, { name, operations }: MicroTask): string[] {
  const result = bench.getTask(name)?.result;
  if (result?.state !== "completed") throw new Error(`${name}: ${result?.state ?? "not run"}`);
  const { mean, p50, rme, samplesCount } = result.latency;
  return [
    name,
    count((operations / p50) * 1000),
    nanoseconds(p50 / operations),
    nanoseconds(mean / operations),
    `±${rme.toFixed(2)}%`,
    count(samplesCount),
  ];
}

function nanoseconds(milliseconds: number): string {
  return (milliseconds * NANOSECONDS_PER_MILLISECOND).toFixed(1);
}

await runProgram(async () => {
  await run(process.argv.slice(2));
  return true;
});

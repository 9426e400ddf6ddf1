/**
 * What clients do to the server in the run: load, read at random, read all, and walk the keys. Everything
 * that comes back is checked; what is wrong is counted and the first case described.
 */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { SeededRandom } from "../../src/base/random.ts";
import { encodeCommand, type PipelineClient, type Reply } from "../support/pipeline-client.ts";
import { indexOf, KEY_BYTES, keyOf, ValueMaker } from "./values.ts";

/** Commands in one batch of a connection that loads or reads all. */
const BATCH_COMMANDS = 64;
const SCAN_COUNT = "1000";

export interface Dataset {
  readonly keys: number;
  readonly valueBytes: number;
}

/** How a phase went. */
export interface Phase {
  readonly seconds: number;
  readonly commands: number;
  /** Replies that were not what they should be. */
  readonly wrong: number;
  readonly firstWrong: string;
}

export interface ReadPhase extends Phase {
  /** Of each GET, in nanoseconds. */
  readonly latency: RecordableHistogram;
}

export interface ScanResult {
  readonly seconds: number;
  /** Different keys of ours, keys that are none of ours, and how many came more than once. */
  readonly found: number;
  readonly foreign: number;
  readonly repeated: number;
}

class Tally {
  wrong = 0;
  firstWrong = "";
  private readonly begunMs = performance.now();

  note(index: number, reply: Reply): void {
    this.wrong++;
    if (this.firstWrong !== "") return;
    const text = Buffer.isBuffer(reply) ? `${reply.length} bytes` : String(reply);
    this.firstWrong = `${keyOf(index)}: ${text.slice(0, 100)}`;
  }

  phase(commands: number): Phase {
    const { firstWrong, wrong } = this;
    return { seconds: (performance.now() - this.begunMs) / 1000, commands, wrong, firstWrong };
  }
}

/** Sets all keys, in the order of their numbers. */
export async function load(clients: readonly PipelineClient[], dataset: Dataset): Promise<Phase> {
  const tally = new Tally();
  await inBatches(clients, dataset.keys, async (client, first, end, scratch) => {
    const bytes = setCommands(first, end, dataset, scratch);
    const replies = await client.batch(bytes, end - first);
    for (const [i, reply] of replies.entries()) {
      if (!Buffer.isBuffer(reply) || reply.toString() !== "OK") tally.note(first + i, reply);
    }
  });
  return tally.phase(dataset.keys);
}

/** Reads all keys and compares every value. */
export async function readAll(clients: readonly PipelineClient[], dataset: Dataset): Promise<Phase> {
  const tally = new Tally();
  const maker = new ValueMaker(dataset.valueBytes);
  await inBatches(clients, dataset.keys, async (client, first, end) => {
    const commands: Buffer[] = [];
    for (let index = first; index < end; index++) commands.push(encodeCommand(["GET", keyOf(index)]));
    const replies = await client.batch(Buffer.concat(commands), end - first);
    for (const [i, reply] of replies.entries()) {
      if (!maker.matches(first + i, reply)) tally.note(first + i, reply);
    }
  });
  return tally.phase(dataset.keys);
}

/** Reads keys at random, one at a time on each connection, and compares every value. */
export async function readAtRandom(
  clients: readonly PipelineClient[],
  dataset: Dataset,
  reads: number,
): Promise<ReadPhase> {
  const tally = new Tally();
  const maker = new ValueMaker(dataset.valueBytes);
  const latency = createHistogram();
  const random = new SeededRandom(reads);
  let left = reads;
  await Promise.all(
    clients.map(async (client) => {
      while (left-- > 0) {
        const index = random.below(dataset.keys);
        const command = encodeCommand(["GET", keyOf(index)]);
        const begunMs = performance.now();
        const [reply] = await client.batch(command, 1);
        latency.record(Math.max(1, Math.round((performance.now() - begunMs) * 1e6)));
        if (!maker.matches(index, reply)) tally.note(index, reply);
      }
    }),
  );
  return { ...tally.phase(reads), latency };
}

/** Walks all keys with SCAN. */
export async function scanAll(client: PipelineClient, dataset: Dataset): Promise<ScanResult> {
  const begunMs = performance.now();
  const seen = new Uint8Array(dataset.keys);
  let found = 0;
  let foreign = 0;
  let repeated = 0;
  let cursor = "0";
  do {
    const [next, keys] = (await client.command("SCAN", cursor, "COUNT", SCAN_COUNT)) as [Buffer, Buffer[]];
    for (const key of keys) {
      const index = indexOf(key);
      if (index < 0 || index >= dataset.keys) foreign++;
      else if (seen[index] === 1) repeated++;
      else {
        seen[index] = 1;
        found++;
      }
    }
    cursor = next.toString();
  } while (cursor !== "0");
  return { seconds: (performance.now() - begunMs) / 1000, found, foreign, repeated };
}

/**
 * Gives every client a new batch of keys, `first` to `end` (exclusive), as soon as it is done with the one
 * before.
 */
async function inBatches(
  clients: readonly PipelineClient[],
  keys: number,
  work: (client: PipelineClient, first: number, end: number, scratch: Scratch) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    clients.map(async (client) => {
      const scratch: Scratch = { bytes: Buffer.alloc(0) };
      while (next < keys) {
        const first = next;
        next = Math.min(keys, first + BATCH_COMMANDS);
        await work(client, first, next, scratch);
      }
    }),
  );
}

/** Memory that a client's batches share: the replies to one have come before the next is made. */
interface Scratch {
  bytes: Buffer;
}

function setCommands(first: number, end: number, { valueBytes }: Dataset, scratch: Scratch): Buffer {
  const maker = new ValueMaker(valueBytes);
  const head = `*3\r\n$3\r\nSET\r\n$${KEY_BYTES}\r\n`;
  const middle = `\r\n$${valueBytes}\r\n`;
  const commandBytes = head.length + KEY_BYTES + middle.length + valueBytes + 2;
  const sizeBytes = commandBytes * (end - first);
  if (scratch.bytes.length < sizeBytes) scratch.bytes = Buffer.allocUnsafeSlow(sizeBytes);
  const { bytes } = scratch;
  let at = 0;
  for (let index = first; index < end; index++) {
    at += bytes.write(`${head}${keyOf(index)}${middle}`, at, "latin1");
    at += maker.make(index).copy(bytes, at);
    at += bytes.write("\r\n", at, "latin1");
  }
  return bytes.subarray(0, at);
}

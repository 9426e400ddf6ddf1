/**
 * What is loaded in the comparison of loads: commands that fill a server, in batches.
 */
import type { Random } from "../../src/base/random.ts";
import { encodeCommand } from "../support/pipeline-client.ts";

export interface Dataset {
  readonly name: string;
  /** Batches of whole commands, with the number of commands in each. */
  readonly batches: (random: Random) => Generator<{ readonly bytes: Buffer; readonly commands: number }>;
}

const BATCH = 1000;
const VALUE_BYTES = 64;
const LARGE_ELEMENTS = 20_000;

/** `keys` strings of 64 bytes, and a mix of types of about as many elements. */
export function datasetsOf(keys: number): readonly Dataset[] {
  return [
    { name: "strings", batches: (random) => inBatches(strings(keys, random)) },
    { name: "mix", batches: (random) => inBatches(mix(keys, random)) },
  ];
}

function* inBatches(
  commands: Iterable<Buffer>,
): Generator<{ readonly bytes: Buffer; readonly commands: number }> {
  let batch: Buffer[] = [];
  for (const command of commands) {
    if (batch.push(command) < BATCH) continue;
    yield { bytes: Buffer.concat(batch), commands: batch.length };
    batch = [];
  }
  if (batch.length > 0) yield { bytes: Buffer.concat(batch), commands: batch.length };
}

function* strings(keys: number, random: Random): Generator<Buffer> {
  for (let i = 0; i < keys; i++) yield encodeCommand(["SET", name("key", i), random.bytes(VALUE_BYTES)]);
}

/** Of a hundred keys: 50 strings (some of digits, some with an expiry), 20 hashes, 10 sets, 10 lists, 10 sorted sets; a
 * stream for every thousand; and some large values of each type. */
function* mix(keys: number, random: Random): Generator<Buffer> {
  const rounds = Math.max(1, Math.floor(keys / 400));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 100; i++) yield encodeCommand(small(round * 100 + i, i, random));
    if (round % 10 === 0)
      for (let entry = 1; entry <= 20; entry++)
        yield encodeCommand(["XADD", name("stream", round), `${entry}-0`, "field", text(random)]);
  }
  for (let i = 0; i < Math.max(1, Math.floor(keys / 250_000)); i++) yield* large(i, random);
}

function small(number: number, kind: number, random: Random): (string | Buffer)[] {
  const several = (count: number, part: (i: number) => string[]) =>
    Array.from({ length: count }, (_, i) => part(i)).flat();
  if (kind < 30) return ["SET", name("text", number), random.bytes(8 + random.below(120))];
  if (kind < 40) return ["SET", name("number", number), String(random.below(1e9))];
  if (kind < 50) return ["SET", name("session", number), text(random), "PXAT", String(4e12 + number)];
  if (kind < 70) return ["HSET", name("hash", number), ...several(6, (i) => [`field ${i}`, text(random)])];
  if (kind < 75) return ["SADD", name("numbers", number), ...several(12, () => [String(random.below(1e6))])];
  if (kind < 80) return ["SADD", name("set", number), ...several(6, () => [text(random)])];
  if (kind < 90) return ["RPUSH", name("list", number), ...several(8, () => [text(random)])];
  return ["ZADD", name("sorted", number), ...several(8, () => [String(random.below(1e4)), text(random)])];
}

function* large(number: number, random: Random): Generator<Buffer> {
  for (let first = 0; first < LARGE_ELEMENTS; first += BATCH) {
    const elements = Array.from({ length: BATCH }, (_, i) => `${text(random)} ${first + i}`);
    yield encodeCommand(["RPUSH", name("large list", number), ...elements]);
    yield encodeCommand(["SADD", name("large set", number), ...elements]);
    yield encodeCommand(["HSET", name("large hash", number), ...elements.flatMap((each) => [each, "value"])]);
    yield encodeCommand([
      "ZADD",
      name("large sorted set", number),
      ...elements.flatMap((each) => [String(random.below(1e6)), each]),
    ]);
  }
}

function name(kind: string, number: number): string {
  return `${kind}:${String(number).padStart(12, "0")}`;
}

function text(random: Random): string {
  return `value ${random.below(1e9)}`;
}

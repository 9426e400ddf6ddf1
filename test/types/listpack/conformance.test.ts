/**
 * The same operations done by Redis on its hashes, sorted sets, lists and sets, and here on packed bytes: DUMP must
 * tell the same bytes after each of them.
 */
import fc from "fast-check";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { Int64 } from "../../../src/base/int64.ts";
import { addMember, createIntset, removeMember } from "../../../src/types/intset/intset.ts";
import * as edits from "../../../src/types/listpack/edits.ts";
import { ElementValue } from "../../../src/types/listpack/element-value.ts";
import {
  countElements,
  HEADER_BYTES,
  nextElement,
  seekElement,
} from "../../../src/types/listpack/listpack.ts";
import { findElement } from "../../../src/types/listpack/search.ts";
import { GrowingBytes } from "../../../src/types/packed-bytes.ts";
import { packedStringOfDump } from "../../support/dump-payloads.ts";
import { hasRedisServer, withRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { members } from "../intset/model.ts";
import { contents, integerTexts } from "./model.ts";

/** Everything stays packed, and is dumped as it is. */
const LIMITS = [
  "hash-max-listpack-entries",
  "hash-max-listpack-value",
  "zset-max-listpack-entries",
  "zset-max-listpack-value",
  "set-max-intset-entries",
].flatMap((name) => [`--${name}`, "100000"]);
const OPTIONS = [...LIMITS, "--list-max-listpack-size", "-5", "--rdbcompression", "no"];
const VALUES = 40;
const STEPS = 40;

type Command = readonly [string, ...(string | number | Buffer)[]];

/** Redis's command on the key "k", and the same here. */
interface Step {
  readonly command: Command;
  readonly run: (packed: GrowingBytes) => void;
}

const of = (bytes: Buffer | string) => {
  const buffer = Buffer.from(bytes);
  return new ElementValue().set(buffer, 0, buffer.length);
};

function at(list: GrowingBytes, index: number): number {
  return seekElement(list.buffer, list.start, index);
}

/** A field's or member's offset; -1 if it is not there. */
function find(list: GrowingBytes, content: Buffer): number {
  return findElement(list.buffer, list.start, of(content), HEADER_BYTES, 1);
}

function hashStep(field: Buffer, value: Buffer, choice: number): Step {
  if (choice === 0) {
    return {
      command: ["HDEL", "k", field],
      run(hash) {
        const found = find(hash, field);
        if (found !== -1) edits.removeElements(hash, found, 2);
      },
    };
  }
  return {
    command: ["HSET", "k", field, value],
    run(hash) {
      const found = find(hash, field);
      if (found !== -1) {
        edits.replaceElement(hash, nextElement(hash.buffer, hash.start, found), of(value));
        return;
      }
      edits.appendElement(hash, of(field));
      edits.appendElement(hash, of(value));
    },
  };
}

/** Scores that count up, so that the place of a member is known: at the end. Odd numbers are fractions. */
function sortedSetStep(member: Buffer, score: number, choice: number): Step {
  if (choice === 0) {
    return {
      command: ["ZREMRANGEBYRANK", "k", score % 3, (score % 3) + 1],
      run(zset) {
        const found = at(zset, 2 * (score % 3));
        if (found !== -1) edits.removeElements(zset, found, 4);
      },
    };
  }
  const isWhole = score % 2 === 0;
  const value = isWhole ? score * 1000 : score + 0.5 + score * 1000;
  return {
    command: ["ZADD", "k", String(value), member],
    run(zset) {
      const found = find(zset, member);
      if (found !== -1) edits.removeElements(zset, found, 2);
      edits.appendElement(zset, of(member));
      edits.appendElement(zset, isWhole ? new ElementValue().setInteger(value) : of(String(value)));
    },
  };
}

function listStep(content: Buffer, place: number, choice: number): Step {
  const steps: Step[] = [
    { command: ["RPUSH", "k", content], run: (list) => edits.appendElement(list, of(content)) },
    { command: ["LPUSH", "k", content], run: (list) => edits.prependElement(list, of(content)) },
    { command: ["LPOP", "k", 2], run: (list) => edits.removeFirst(list, 2) },
    { command: ["RPOP", "k", 1], run: (list) => edits.removeLast(list, 1) },
    { command: ["LTRIM", "k", 1, -3], run: trim },
    {
      command: ["LSET", "k", place, content],
      run(list) {
        const found = at(list, place);
        if (found !== -1) edits.replaceElement(list, found, of(content));
      },
    },
    {
      command: ["LREM", "k", 1, content],
      run(list) {
        const found = findElement(list.buffer, list.start, of(content), HEADER_BYTES, 0);
        if (found !== -1) edits.removeElements(list, found, 1);
      },
    },
  ];
  return steps[choice % steps.length];
}

function trim(list: GrowingBytes): void {
  edits.removeFirst(list, 1);
  edits.removeLast(list, 2);
}

function setStep(member: bigint, choice: number): Step {
  const value = new Int64();
  value.setBigInt(member);
  return choice === 0
    ? { command: ["SREM", "k", String(member)], run: (set) => removeMember(set, value) }
    : { command: ["SADD", "k", String(member)], run: (set) => addMember(set, value) };
}

const small = contents.filter((content) => content.length < 5000);
const choices = fc.nat({ max: 6 });

interface Form {
  readonly steps: fc.Arbitrary<readonly Step[]>;
  readonly create: (packed: GrowingBytes) => void;
  readonly count: (packed: GrowingBytes) => number;
  /** What comes before the packed bytes in a payload. */
  readonly head: readonly number[];
}

const length = { minLength: STEPS / 2, maxLength: STEPS };
const listpackForm = {
  create: edits.createListpack,
  count: (list: GrowingBytes) => countElements(list.buffer, list.start),
};

const FORMS: Record<string, Form> = {
  hashes: {
    ...listpackForm,
    head: [16],
    steps: fc
      .array(small, { minLength: 1, maxLength: 8 })
      .chain((fields) =>
        fc.array(fc.tuple(fc.constantFrom(...fields), fc.oneof(small, integerTexts), choices), length),
      )
      .map((all) => all.map(([field, value, choice]) => hashStep(field, value, choice))),
  },
  "sorted sets": {
    ...listpackForm,
    head: [17],
    steps: fc
      .array(fc.tuple(small, choices), length)
      .map((all) => all.map(([member, choice], i) => sortedSetStep(member, i, choice))),
  },
  lists: {
    ...listpackForm,
    head: [18, 1, 2],
    steps: fc
      .array(
        fc.tuple(
          small.filter((content) => content.length < 500),
          fc.nat({ max: 9 }),
          choices,
        ),
        length,
      )
      .map((all) => all.map(([content, place, choice]) => listStep(content, place, choice))),
  },
  sets: {
    create: createIntset,
    count: (set) => set.buffer.readUInt32LE(set.start + 4),
    head: [11],
    steps: fc
      .array(fc.tuple(members, choices), length)
      .map((all) => all.map(([member, choice]) => setStep(member, choice))),
  },
};

/** Does the steps in both, and compares after each. */
async function compare(client: Redis, form: Form, steps: readonly Step[], note: string): Promise<number> {
  const packed = new GrowingBytes();
  form.create(packed);
  const pipeline = client.pipeline().del("k");
  for (const { command } of steps) pipeline.call(...(command as [string, ...string[]])).dumpBuffer("k");
  const replies = (await pipeline.exec()) ?? [];
  let compared = 0;
  steps.forEach((step, i) => {
    step.run(packed);
    // A value without elements is none.
    if (form.count(packed) === 0) form.create(packed);
    const payload = replies[2 + 2 * i][1] as Buffer | null;
    const place = `${note}, step ${i}: ${step.command.join(" ")}`;
    if (payload === null) {
      expect(form.count(packed), place).toBe(0);
      return;
    }
    expect([...payload.subarray(0, form.head.length)], place).toEqual(form.head);
    const expected = packedStringOfDump(payload, form.head.length);
    expect(packed.bytes().toString("hex"), place).toBe(expected.toString("hex"));
    compared++;
  });
  return compared;
}

describe.skipIf(!hasRedisServer)("Redis", () => {
  test.each(Object.keys(FORMS))("has the same bytes in %s", async (name) => {
    const folder = temporaryFolder();
    await withRedisServer(OPTIONS, folder, async (client) => {
      const seed = usualSeed();
      let compared = 0;
      for (const [i, steps] of fc.sample(FORMS[name].steps, { seed, numRuns: VALUES }).entries()) {
        // oxlint-disable-next-line no-await-in-loop -- they share a key
        compared += await compare(client, FORMS[name], steps, `seed ${seed}, value ${i}`);
      }
      expect(compared).toBeGreaterThan((VALUES * STEPS) / 4);
    }).finally(() => removeFolder(folder));
  });
});

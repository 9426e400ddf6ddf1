/**
 * Streams in RDB's form: what is right comes back to the byte, all that cannot be is refused, and whatever is let in
 * can be worked with. Payloads are made by payload.ts, not by the code under test.
 */
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { Int64 } from "../../../src/base/int64.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { finishSteps } from "../../../src/types/packed-parts.ts";
import { rootOf } from "../../../src/types/rooted.ts";
import {
  ACTIVE_TIME,
  ConsumerGroup,
  readConsumerTime,
  SEEN_TIME,
} from "../../../src/types/stream/consumer-group.ts";
import { Stream } from "../../../src/types/stream/stream.ts";
import { STREAM, STREAM_ENCODING, streamType } from "../../../src/types/stream/stream-type.ts";
import { ValueDigest } from "../../../src/types/value-digest.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { type GroupDescription, type NodeDescription, payloadOf, type StreamDescription } from "./payload.ts";

const MUTATIONS = 2000;
const MAX_UINT64 = 2n ** 64n - 1n;
const KEY = Buffer.from("key");

const id = (ms: bigint | number, seq: bigint | number = 0) => (BigInt(ms) << 64n) | BigInt(seq);

/** A master with two fields, and entries 5-7, 5-10 (deleted, with another field) and 6-0, whose sequence number is
 * below the node's. */
const MASTER = [2, 1, 2, "f", "g", 0];
const SAME_FIELDS = [2, 0, 0, "v", 77, 5];
const DELETED = [1, 0, 3, 1, "other", "", 6];
const OTHER_FIELDS = [0, 1, -7, 2, "f", 1, "h", -5000, 8];
const FIRST_NODE: NodeDescription = {
  id: id(5, 7),
  elements: [...MASTER, ...SAME_FIELDS, ...DELETED, ...OTHER_FIELDS],
};
const SECOND_NODE: NodeDescription = {
  id: id(MAX_UINT64, 0),
  elements: [1, 0, 1, "x", 0, 2, 0, 0, 2n ** 62n, 4],
};
const GROUP: GroupDescription = {
  name: "group",
  lastId: id(6),
  read: MAX_UINT64,
  pending: [
    { id: id(3, 1), time: -1n, count: MAX_UINT64 },
    { id: id(5, 7), time: 2n ** 62n, count: 0n },
    { id: id(6), time: 1_700_000_000_000n, count: 70_000n },
  ],
  consumers: [
    { name: "", seen: -5n, owned: [id(5, 7)] },
    { name: "a", owned: [] },
    { name: "b", seen: 2n ** 63n - 1n, owned: [id(3, 1), id(6)] },
  ],
};
const STREAM_OF_ALL: StreamDescription = {
  nodes: [FIRST_NODE, SECOND_NODE],
  length: 3n,
  lastId: id(MAX_UINT64, MAX_UINT64),
  firstId: id(5, 7),
  maxDeletedId: id(5, 10),
  added: MAX_UINT64,
  groups: [{ name: "g", pending: [], consumers: [] }, GROUP],
};

/** Puts a payload into an entry, and gives the entry's address. */
function load(memory: ValueMemory, payload: Buffer, rdbType: number): number {
  const value = streamType.unpack(memory, rdbType, payload);
  const address = memory.entries.create(STREAM, 0, KEY, 0, KEY.length, value.length);
  memory.entries.setEncoding(address, value.encoding);
  value.fill(memory, address);
  return address;
}

function packed(memory: ValueMemory, address: number): string {
  return streamType.pack(memory, address, new ByteArena(), false).toString("hex");
}

function commandsOf(memory: ValueMemory, address: number): string[] {
  const commands: string[] = [];
  finishSteps(
    streamType.rewrite(memory, address, KEY, (...args) => {
      commands.push(args.map((arg) => arg.toString()).join(" "));
    }),
  );
  return commands;
}

describe("what is right", () => {
  test("comes back to the byte, with all 64 bits of everything", () => {
    const memory = newValueMemory();
    const payload = payloadOf(STREAM_OF_ALL);
    const address = load(memory, payload, 19);
    expect(memory.entries.encoding(address)).toBe(STREAM_ENCODING);
    expect(streamType.rdbTypeOf(memory, address)).toBe(19);
    expect(packed(memory, address)).toBe(payload.toString("hex"));
  });

  test("is rewritten as the commands that make it", () => {
    const memory = newValueMemory();
    expect(commandsOf(memory, load(memory, payloadOf(STREAM_OF_ALL), 19))).toEqual([
      "XADD key 5-7 f v g 77",
      "XADD key 6-0 f 1 h -5000",
      `XADD key ${MAX_UINT64}-0 x ${2n ** 62n}`,
      `XSETID key ${MAX_UINT64}-${MAX_UINT64} ENTRIESADDED -1 MAXDELETEDID 5-10`,
      "XGROUP CREATE key g 0-0 ENTRIESREAD 0",
      "XGROUP CREATE key group 6-0 ENTRIESREAD -1",
      `XCLAIM key group  0 5-7 TIME ${2n ** 62n} RETRYCOUNT 0 JUSTID FORCE`,
      "XGROUP CREATECONSUMER key group a",
      "XCLAIM key group b 0 3-1 TIME -1 RETRYCOUNT -1 JUSTID FORCE",
      "XCLAIM key group b 0 6-0 TIME 1700000000000 RETRYCOUNT 70000 JUSTID FORCE",
    ]);
    expect(commandsOf(memory, load(memory, payloadOf({ nodes: [], length: 0n, lastId: 0n }), 19))).toEqual([
      "XADD key MAXLEN 0 0-1 x y",
      "XSETID key 0-0 ENTRIESADDED 0 MAXDELETEDID 0-0",
    ]);
  });

  test("tells when a consumer was active, if it is of Redis 7.2", () => {
    const memory = newValueMemory();
    const times = (rdbType: number): [seen: number, active: number] => {
      const address = load(memory, payloadOf(STREAM_OF_ALL, rdbType), rdbType);
      const groups = new Stream().open(memory.blocks, rootOf(memory.entries, address)).openGroups();
      const group = groups?.find(Buffer.from("group"), 0, 5) ?? 0;
      const { consumers } = new ConsumerGroup().open(memory.blocks, group);
      const consumer = consumers.find(Buffer.from("a"), 0, 1);
      const time = (which: number): number =>
        readConsumerTime(memory.blocks, consumer, which, new Int64()).toNumber();
      return [time(SEEN_TIME), time(ACTIVE_TIME)];
    };
    expect(times(21)).toEqual([5, 6]);
    expect(times(19)).toEqual([5, 5]);
  });

  test("of an older or a newer Redis is read too", () => {
    const memory = newValueMemory();
    const known = payloadOf(STREAM_OF_ALL).toString("hex");
    expect(packed(memory, load(memory, payloadOf(STREAM_OF_ALL, 21), 21))).toBe(known);
    // What type 15 does not tell: no deletions, as many added as there are; of groups what follows from that.
    const old = { ...STREAM_OF_ALL, maxDeletedId: 0n, added: 3n };
    const groups = [
      { name: "g", read: 0n, pending: [], consumers: [] },
      { ...GROUP, lastId: id(5, 7), read: 1n },
    ];
    const asNew = payloadOf({ ...old, groups });
    expect(packed(memory, load(memory, payloadOf({ ...old, groups }, 15), 15))).toBe(asNew.toString("hex"));
    const empty = { nodes: [], length: 0n, lastId: id(9) };
    const first = payloadOf({ ...empty, firstId: 2n ** 128n - 1n });
    expect(packed(memory, load(memory, payloadOf(empty, 15), 15))).toBe(first.toString("hex"));
  });

  test("is copied, measured and freed without a trace", () => {
    const memory = newValueMemory();
    const before = memory.entries.allocatedBytes;
    const address = load(memory, payloadOf(STREAM_OF_ALL), 19);
    const taken = memory.entries.allocatedBytes - before - memory.entries.sizeBytes(address);
    const root = memory.entries.value(address).readInt32LE(0);
    const { rooted } = streamType;
    expect(rooted!.sizeBytes(memory, root, 100)).toBeGreaterThan(taken / 2);
    expect(rooted!.sizeBytes(memory, root, 100)).toBeLessThanOrEqual(taken);
    const copy = rooted!.copy(memory, root);
    while (!rooted!.disposeStep(memory, root, 1));
    memory.entries.value(address).writeInt32LE(copy, 0);
    expect(packed(memory, address)).toBe(payloadOf(STREAM_OF_ALL).toString("hex"));
    rooted!.disposeStep(memory, copy, Number.MAX_SAFE_INTEGER);
    memory.entries.free(address);
    expect(memory.entries.allocatedBytes).toBe(before);
  });
});

const withNode = (elements: NodeDescription["elements"], length = 1n): StreamDescription => ({
  nodes: [{ id: id(1), elements }],
  length,
  lastId: id(9),
});
const withGroup = (changed: Partial<GroupDescription>): StreamDescription => ({
  ...STREAM_OF_ALL,
  groups: [{ ...GROUP, ...changed }],
});
const [ownerless, , last] = GROUP.consumers;
const ENTRY = [2, 0, 0, "v", 4];

const WRONG: Record<string, StreamDescription> = {
  "more entries than there are": { ...STREAM_OF_ALL, length: 4n },
  "entries without nodes": { nodes: [], length: 1n, lastId: id(9) },
  "an entry beyond the last id": { ...withNode([1, 0, 1, "f", 0, ...ENTRY]), lastId: id(0, 5) },
  "nodes in the wrong order": { ...STREAM_OF_ALL, nodes: [SECOND_NODE, FIRST_NODE] },
  "the same node twice": { ...STREAM_OF_ALL, nodes: [FIRST_NODE, FIRST_NODE], length: 4n },
  "a node without a master": withNode([], 0n),
  "a node without entries": withNode([0, 0, 1, "f", 0], 0n),
  "more live entries than in the node": withNode([2, 0, 1, "f", 0, ...ENTRY], 2n),
  "a deleted entry among live ones": withNode([1, 0, 1, "f", 0, 3, 0, 0, "v", 4]),
  "a live entry among deleted ones": withNode([0, 1, 1, "f", 0, ...ENTRY], 0n),
  "an entry too many": withNode([1, 0, 1, "f", 0, ...ENTRY, 2, 0, 1, "v", 4]),
  "a negative number of entries": withNode([-1, 2, 1, "f", 0, ...ENTRY]),
  "no fields in the master": withNode([1, 0, 0, 0, 2, 0, 0, 3]),
  "fewer fields than the master says": withNode([1, 0, 2, "f", 0, ...ENTRY]),
  "no end of the master": withNode([1, 0, 1, "f", 1, ...ENTRY]),
  "a text for a number": withNode([1, 0, 1, "f", 0, "2", 0, 0, "v", 4]),
  "a text for a part of an id": withNode([1, 0, 1, "f", 0, 2, "0", 0, "v", 4]),
  "flags that there are not": withNode([1, 0, 1, "f", 0, 6, 0, 0, "v", 4]),
  "an entry without fields": withNode([1, 0, 1, "f", 0, 0, 0, 0, 0, 4]),
  "fewer elements than an entry says": withNode([1, 0, 1, "f", 0, 0, 0, 0, 2, "f", "v", 8]),
  "a wrong number of elements": withNode([1, 0, 1, "f", 0, 2, 0, 0, "v", 5]),
  "an entry cut off": withNode([1, 0, 1, "f", 0, 2, 0]),
  "entries in the wrong order": withNode([2, 0, 1, "f", 0, 2, 0, 5, "v", 4, 2, 0, 4, "v", 4], 2n),
  "two entries with one id": withNode([2, 0, 1, "f", 0, ...ENTRY, ...ENTRY], 2n),
  "an entry with the id 0-0": { ...withNode([1, 0, 1, "f", 0, 2, -1, 0, "v", 4]) },
  "absurdly many fields": withNode([1, 0, 2n ** 60n, "f", 0, ...ENTRY]),
  "groups in the wrong order": {
    ...STREAM_OF_ALL,
    groups: [GROUP, { name: "a", pending: [], consumers: [] }],
  },
  "the same group twice": { ...STREAM_OF_ALL, groups: [GROUP, GROUP] },
  "pending entries in the wrong order": withGroup({ pending: [...GROUP.pending].reverse() }),
  "the same entry pending twice": withGroup({ pending: [GROUP.pending[0], ...GROUP.pending] }),
  "a pending entry without a consumer": withGroup({ consumers: [last] }),
  "a pending entry of two consumers": withGroup({
    consumers: [ownerless, { name: "aa", owned: [id(6)] }, last],
  }),
  "a consumer's entry that is not pending": withGroup({
    consumers: [ownerless, { ...last, owned: [...last.owned, id(7)] }],
  }),
  "a consumer's entry twice": withGroup({ consumers: [{ ...ownerless, owned: [id(5, 7), id(5, 7)] }, last] }),
  "a consumer's entries in the wrong order": withGroup({
    consumers: [ownerless, { ...last, owned: [...last.owned].reverse() }],
  }),
  "the same consumer twice": withGroup({ consumers: [{ ...ownerless, name: "b" }, last] }),
};

describe("what is wrong is refused:", () => {
  test.each(Object.entries(WRONG))("%s", (_, stream) => {
    expect(() => streamType.unpack(newValueMemory(), 19, payloadOf(stream))).toThrow(StorageError);
  });

  test("what is cut off, wherever that is, or followed by something", () => {
    for (const type of [15, 19, 21]) {
      const payload = payloadOf(STREAM_OF_ALL, type);
      for (let length = 0; length < payload.length; length++) {
        expect(() => streamType.unpack(newValueMemory(), type, payload.subarray(0, length))).toThrow(
          StorageError,
        );
      }
      const longer = Buffer.concat([payload, Buffer.of(0)]);
      expect(() => streamType.unpack(newValueMemory(), type, longer)).toThrow(StorageError);
    }
  });

  test("lengths that nothing is behind, without memory for them", () => {
    const huge = Buffer.from("81ffffffffffffffff", "hex");
    for (const at of [0, payloadOf({ ...STREAM_OF_ALL, groups: [] }).length - 1]) {
      const payload = payloadOf({ ...STREAM_OF_ALL, groups: [] });
      const damaged = Buffer.concat([payload.subarray(0, at), huge, payload.subarray(at + 1)]);
      expect(() => streamType.unpack(newValueMemory(), 19, damaged)).toThrow(StorageError);
    }
  });

  test("it takes nothing from memory", () => {
    const memory = newValueMemory();
    const before = memory.entries.allocatedBytes;
    for (const stream of Object.values(WRONG)) {
      expect(() => streamType.unpack(memory, 19, payloadOf(stream))).toThrow(StorageError);
    }
    expect(memory.entries.allocatedBytes).toBe(before);
  });
});

test("random damage is refused, or harmless", () => {
  const seed = usualSeed();
  const random = new SeededRandom(seed);
  let accepted = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const payload = payloadOf(STREAM_OF_ALL);
    for (let changes = 1 + random.below(3); changes > 0; changes--) {
      const byte = random.below(3) === 0 ? random.below(256) : payload[random.below(payload.length)];
      payload[random.below(payload.length)] = byte;
    }
    const memory = newValueMemory();
    let address: number;
    try {
      address = load(memory, payload, 19);
    } catch (error) {
      expect(error, `seed ${seed}, ${i}`).toBeInstanceOf(StorageError);
      continue;
    }
    accepted++;
    const again = packed(memory, address);
    expect(packed(memory, load(memory, Buffer.from(again, "hex"), 19)), `seed ${seed}, ${i}`).toBe(again);
    commandsOf(memory, address);
    streamType.digest(memory, address, new ValueDigest());
    const root = memory.entries.value(address).readInt32LE(0);
    expect(streamType.rooted!.disposeStep(memory, root, Number.MAX_SAFE_INTEGER)).toBe(true);
  }
  expect(accepted).toBeGreaterThan(MUTATIONS / 100);
});

/** The image of an element table, read while the table changes, grows and shrinks: it holds what the table held. */
import { expect, test } from "vitest";
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import { ElementTable } from "../../../src/types/element-table/element-table.ts";
import { ElementWalk } from "../../../src/types/element-table/element-walk.ts";
import { TableImage } from "../../../src/types/element-table/table-image.ts";
import { VARIABLE_PAYLOAD } from "../../../src/types/element-table/table-root.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";

const KEYS = 3000;
const ROUNDS = 10;

/** Some do not fit a bucket, with or without what belongs to them. */
function keyOf(number: number): Buffer {
  const length = number % 20 === 0 ? 300 : 6 + (number % 30);
  return Buffer.alloc(length, String(number).padStart(6, "0"));
}

class ChangingTable {
  readonly memory: ValueMemory = newValueMemory();
  readonly root: number;
  private readonly emptyBytes = this.memory.entries.allocatedBytes;
  private readonly table = new ElementTable(this.memory.blocks, this.memory.keyHash);
  private readonly walk = new ElementWalk(this.memory.blocks);
  private readonly random: Random;
  private readonly payload: number;

  constructor(random: Random, payload: number) {
    this.random = random;
    this.payload = payload;
    this.root = this.table.create(payload);
    for (let i = 0; i < KEYS; i++) this.set(i);
  }

  private set(number: number): void {
    const key = keyOf(number);
    const { payload, random } = this;
    const length = payload !== VARIABLE_PAYLOAD ? payload : random.below(random.below(10) === 0 ? 400 : 40);
    const bytes = Buffer.alloc(length, 0x61 + random.below(26));
    this.table.set(this.root, key, 0, key.length, bytes, 0, length);
  }

  /** One of as many elements as `share` of all keys makes, which are then there. */
  change(share: number): void {
    const number = this.random.below(KEYS);
    const key = keyOf(number);
    if (this.random.below(100) < share) this.set(number);
    else this.table.delete(this.root, key, 0, key.length);
  }

  contents(): string[] {
    const { element } = this.walk;
    const seen: string[] = [];
    this.walk.begin(this.root);
    while (this.walk.next()) seen.push(`${element.key().toString()} ${element.payload().toString()}`);
    return seen.sort();
  }

  dispose(): void {
    while (!this.table.disposeStep(this.root, 50));
  }

  get leftBytes(): number {
    return this.memory.entries.allocatedBytes - this.emptyBytes;
  }
}

function imageOf({ memory, root }: ChangingTable): TableImage {
  const image = new TableImage(memory.blocks, root);
  while (!image.freezeStep());
  return image;
}

function readBucket(image: TableImage, into: string[]): boolean {
  const { element } = image;
  if (!image.nextBucket()) return false;
  while (image.next()) into.push(`${element.key().toString()} ${element.payload().toString()}`);
  return true;
}

test.each([
  ["values of any length", VARIABLE_PAYLOAD],
  ["members only", 0],
])("holds what the table did, whatever is done to that: %s", (_, payload) => {
  const seed = usualSeed();
  const random = new SeededRandom(seed);
  const table = new ChangingTable(random, payload);
  const { blocks } = table.memory;
  for (let round = 0; round < ROUNDS; round++) {
    const before = table.contents();
    const image = imageOf(table);
    const seen: string[] = [];
    // By turns the table shrinks and grows.
    const share = round % 2 === 0 ? 10 : 90;
    do {
      for (let i = random.below(40); i > 0; i--) table.change(share);
    } while (readBucket(image, seen));
    expect(seen.sort(), `seed ${seed}`).toEqual(before);
    expect(image.size).toBe(before.length);
    expect(blocks.frozen.count).toBe(0);
  }
  table.dispose();
  expect(table.leftBytes).toBe(0);
});

test("outlives the table", () => {
  const table = new ChangingTable(new SeededRandom(1), VARIABLE_PAYLOAD);
  const before = table.contents();
  const image = imageOf(table);
  const seen: string[] = [];
  readBucket(image, seen);
  table.dispose();
  while (readBucket(image, seen));
  expect(seen.sort()).toEqual(before);
  expect(table.leftBytes).toBe(0);
});

test("leaves nothing when it is given up", () => {
  const table = new ChangingTable(new SeededRandom(1), VARIABLE_PAYLOAD);
  const { blocks } = table.memory;
  const image = imageOf(table);
  for (let i = 0; i < 1000; i++) table.change(50);
  expect(readBucket(image, [])).toBe(true);
  table.dispose();
  blocks.frozen.giveUp();
  expect(table.leftBytes).toBe(0);
});

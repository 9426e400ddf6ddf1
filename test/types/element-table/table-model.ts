/**
 * An element table beside a Map that does the same: what the tests of element tables compare.
 */
import { withView } from "../../../src/base/byte-copy.ts";
import type { SeededRandom } from "../../../src/base/random.ts";
import { Blocks } from "../../../src/memory/blocks.ts";
import { HugeValues } from "../../../src/memory/huge-values.ts";
import { KeyHash } from "../../../src/memory/key-hash.ts";
import { Slabs } from "../../../src/memory/slabs.ts";
import { ElementTable } from "../../../src/types/element-table/element-table.ts";
import { ElementWalk } from "../../../src/types/element-table/element-walk.ts";
import { VARIABLE_PAYLOAD } from "../../../src/types/element-table/table-root.ts";

export const HASH_SEED = Buffer.from("seed-of-16-bytes");

/** Memory, a table object on it, and what they take. */
export class TableWorld {
  readonly slabs = new Slabs();
  readonly huge = new HugeValues();
  readonly blocks = new Blocks(this.slabs, this.huge);
  readonly keyHash: KeyHash;
  readonly table: ElementTable;
  readonly walk = new ElementWalk(this.blocks);

  constructor(keyHash: KeyHash = new KeyHash(HASH_SEED)) {
    this.keyHash = keyHash;
    this.table = new ElementTable(this.blocks, keyHash);
  }

  get allocatedBytes(): number {
    return this.slabs.allocatedBytes + this.huge.allocatedBytes;
  }
}

/** A hash of which only the bits in `mask` differ between keys: what a flood of collisions would look like. */
export function maskedHash(mask: number): KeyHash {
  const whole = new KeyHash(HASH_SEED);
  return { of: (buf, start, length) => whole.of(buf, start, length) & mask } as KeyHash;
}

/** The n-th key of a test: all are different, of lengths up to `longest`. */
export function keyOf(n: number, longest: number): Buffer {
  const text = String(n);
  return Buffer.from(text.padEnd((Math.imul(n, 0x9e3779b1) >>> 8) % (longest + 1), "k"));
}

/** What an expectation does, a hundred times as quickly. */
export function mustBe(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`it is ${String(actual)}, and should be ${String(expected)}`);
}

/** One table and its model: keys as latin1 text, payloads too. */
export class ModelledTable {
  readonly world: TableWorld;
  readonly root: number;
  readonly payloadLength: number;
  readonly model = new Map<string, string>();

  constructor(world: TableWorld, payloadLength: number, root: number = world.table.create(payloadLength)) {
    this.world = world;
    this.payloadLength = payloadLength;
    this.root = root;
  }

  /** A payload that the table may hold, of up to `longest` bytes. */
  payload(random: SeededRandom, longest: number): Buffer {
    return random.bytes(
      this.payloadLength === VARIABLE_PAYLOAD ? random.below(longest + 1) : this.payloadLength,
    );
  }

  set(key: Buffer, payload: Buffer): void {
    // In the middle of larger buffers, one with a view and one without.
    const keyBuffer = withView(Buffer.concat([Buffer.from("<<<"), key, Buffer.from(">")]));
    const payloadBuffer = Buffer.concat([Buffer.from("<"), payload]);
    const name = key.toString("latin1");
    const { table } = this.world;
    const isNew = table.set(this.root, keyBuffer, 3, key.length, payloadBuffer, 1, payload.length);
    mustBe(isNew, !this.model.has(name));
    this.model.set(name, payload.toString("latin1"));
    mustBe(table.element.key().equals(key), true);
    mustBe(table.element.payload().equals(payload), true);
  }

  delete(key: Buffer): void {
    const wasThere = this.model.delete(key.toString("latin1"));
    mustBe(this.world.table.delete(this.root, key, 0, key.length), wasThere);
  }

  /** Compares everything. */
  check(): void {
    const { table, walk } = this.world;
    mustBe(table.size(this.root), this.model.size);
    const walked = new Map<string, string>();
    walk.begin(this.root);
    while (walk.next()) {
      const key = walk.element.key().toString("latin1");
      mustBe(walked.has(key), false);
      walked.set(key, walk.element.payload().toString("latin1"));
    }
    mustBe(walked.size, this.model.size);
    for (const [name, payload] of this.model) {
      mustBe(walked.get(name), payload);
      const key = Buffer.from(name, "latin1");
      mustBe(table.find(this.root, key, 0, key.length), true);
      mustBe(table.element.payload().toString("latin1"), payload);
    }
  }

  /** All keys and payloads, in the table's order. */
  walk(): [key: Buffer, payload: Buffer][] {
    const { walk } = this.world;
    const elements: [Buffer, Buffer][] = [];
    walk.begin(this.root);
    while (walk.next()) elements.push([Buffer.from(walk.element.key()), Buffer.from(walk.element.payload())]);
    return elements;
  }

  /** Frees the table in steps of `limit` blocks. */
  dispose(limit: number): void {
    while (!this.world.table.disposeStep(this.root, limit));
  }
}

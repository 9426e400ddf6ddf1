/**
 * Element tables with a million members of 16 bytes: filling one, and finding, drawing and removing what lies in it, in
 * an order that has nothing to do with where the members lie.
 */
import { withView } from "../../src/base/byte-copy.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Blocks } from "../../src/memory/blocks.ts";
import { HugeValues } from "../../src/memory/huge-values.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import { Slabs } from "../../src/memory/slabs.ts";
import { ElementTable } from "../../src/types/element-table/element-table.ts";
import { openPlace, randomPlace } from "../../src/types/element-table/random-elements.ts";
import { consume, type MicroTask } from "./task.ts";

const MEMBERS = 1_000_000;
const OPERATIONS = 10_000;
const MEMBER_BYTES = 16;

/** The tasks; making them fills a table. */
export function elementTableTasks(): readonly MicroTask[] {
  const random = new SeededRandom(1);
  const members = shuffledMembers(random);
  const { table, root } = newTable();
  fill(table, root, members);
  return [
    {
      name: "element table: insert, 0 to 1M members",
      operations: MEMBERS,
      run() {
        const fresh = newTable();
        const begun = performance.now();
        fill(fresh.table, fresh.root, members);
        const durationMs = performance.now() - begun;
        consume(fresh.table.size(fresh.root));
        return durationMs;
      },
    },
    overMembers("element table: hit, 1M members", (at) => {
      if (table.find(root, members, at, MEMBER_BYTES)) consume(table.element.keyStart);
    }),
    overMembers("element table: miss, 1M members", (at) => {
      if (table.find(root, members, at, MEMBER_BYTES - 1)) consume(at);
    }),
    overMembers("element table: random member of 1M", () => {
      openPlace(table, root, randomPlace(table, root, random));
      consume(table.element.keyStart);
    }),
    overMembers("element table: remove and add again, of 1M", (at) => {
      table.delete(root, members, at, MEMBER_BYTES);
      if (!table.find(root, members, at, MEMBER_BYTES)) table.add(0);
    }),
  ];
}

function newTable(): { readonly table: ElementTable; readonly root: number } {
  const blocks = new Blocks(new Slabs(), new HugeValues());
  const table = new ElementTable(blocks, new KeyHash(Buffer.from("seed-of-16-bytes")));
  return { table, root: table.create(0) };
}

/** "m:" and numbers in random order. */
function shuffledMembers(random: SeededRandom): Buffer {
  const numbers = Int32Array.from({ length: MEMBERS }, (_, i) => i);
  for (let i = MEMBERS - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [numbers[i], numbers[other]] = [numbers[other], numbers[i]];
  }
  const members = withView(Buffer.allocUnsafeSlow(MEMBERS * MEMBER_BYTES));
  numbers.forEach((number, i) => {
    members.write(`m:${String(number).padStart(MEMBER_BYTES - 2, "0")}`, i * MEMBER_BYTES);
  });
  return members;
}

function fill(table: ElementTable, root: number, members: Buffer): void {
  for (let at = 0; at < members.length; at += MEMBER_BYTES)
    if (!table.find(root, members, at, MEMBER_BYTES)) table.add(0);
}

/** Does something with each of the next members: `at` is where one begins. */
function overMembers(name: string, operate: (at: number) => void): MicroTask {
  let next = 0;
  return {
    name,
    operations: OPERATIONS,
    run() {
      for (let i = next; i < next + OPERATIONS; i++) operate(i * MEMBER_BYTES);
      next = (next + OPERATIONS) % MEMBERS;
      return undefined;
    },
  };
}

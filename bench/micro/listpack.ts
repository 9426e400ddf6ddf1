/**
 * Listpacks and intsets of the sizes up to which collections are packed: finding the last of 64 fields, reading all
 * elements, adding one and removing it again.
 */

import { withView } from "../../src/base/byte-copy.ts";
import { Int64 } from "../../src/base/int64.ts";
import { addMember, createIntset, findMember, removeMember } from "../../src/types/intset/intset.ts";
import {
  appendElement,
  createListpack,
  insertElement,
  removeElements,
  removeLast,
} from "../../src/types/listpack/edits.ts";
import { ElementValue } from "../../src/types/listpack/element-value.ts";
import { ElementView } from "../../src/types/listpack/element-view.ts";
import { endOffset, HEADER_BYTES, seekElement } from "../../src/types/listpack/listpack.ts";
import { findElement } from "../../src/types/listpack/search.ts";
import { GrowingBytes } from "../../src/types/packed-bytes.ts";
import { consume, type MicroTask } from "./task.ts";

const ROUNDS = 10_000;
const PAIRS = 64;
const INTSET_MEMBERS = 512;

export function listpackTasks(): readonly MicroTask[] {
  const texts = listOf((i) => `field:${i}`);
  const integers = listOf((i) => String(i * 1000));
  return [
    find("listpack: find the last of 64 fields of 8 B", texts, `field:${PAIRS - 1}`),
    find("listpack: miss in 64 fields of 8 B", texts, "absent:1"),
    find("listpack: find the last of 64 integers", integers, String((PAIRS - 1) * 1000)),
    readAll("listpack: read 128 elements, half integers", texts),
    append(),
    insert(),
    intsetFind(),
    intsetAdd(),
  ];
}

/** Fields and integers by turns. */
function listOf(field: (i: number) => string): GrowingBytes {
  const list = new GrowingBytes();
  createListpack(list);
  for (let i = 0; i < PAIRS; i++) {
    appendElement(list, valueOf(field(i)));
    appendElement(list, valueOf(String(i)));
  }
  return list;
}

function valueOf(text: string): ElementValue {
  const bytes = withView(Buffer.from(text));
  return new ElementValue().set(bytes, 0, bytes.length);
}

function task(name: string, round: (i: number) => number): MicroTask {
  return {
    name,
    operations: ROUNDS,
    run() {
      let sum = 0;
      for (let i = 0; i < ROUNDS; i++) sum = (sum + round(i)) | 0;
      consume(sum);
      return undefined;
    },
  };
}

function find(name: string, list: GrowingBytes, text: string): MicroTask {
  const value = valueOf(text);
  const { buffer, start, length } = value;
  return task(name, () =>
    findElement(list.buffer, list.start, value.set(buffer, start, length), HEADER_BYTES, 1),
  );
}

function readAll(name: string, list: GrowingBytes): MicroTask {
  const view = new ElementView();
  return task(name, () => {
    const { buffer, start } = list;
    const end = endOffset(buffer, start);
    let sum = 0;
    for (let at = HEADER_BYTES; at < end; at = view.end) {
      view.read(buffer, start, at);
      sum += view.length;
    }
    return sum;
  });
}

function append(): MicroTask {
  const list = listOf((i) => `field:${i}`);
  const { buffer, start, length } = valueOf("a value of 22 bytes...");
  const value = new ElementValue();
  return task("listpack: append an element of 22 B, remove it", () => {
    appendElement(list, value.set(buffer, start, length));
    return removeLast(list, 1);
  });
}

function insert(): MicroTask {
  const list = listOf((i) => `field:${i}`);
  const value = valueOf("a value of 22 bytes...");
  const at = seekElement(list.buffer, list.start, PAIRS);
  return task("listpack: insert an element of 22 B in the middle, remove it", () => {
    insertElement(list, at, value);
    return removeElements(list, at, 1);
  });
}

function intsetOf(): GrowingBytes {
  const set = new GrowingBytes();
  const member = new Int64();
  createIntset(set);
  for (let i = 0; i < INTSET_MEMBERS; i++) {
    member.setNumber(i * 100_000);
    addMember(set, member);
  }
  return set;
}

function intsetFind(): MicroTask {
  const set = intsetOf();
  const member = new Int64();
  return task("intset: find one of 512", (i) => {
    member.setNumber((i % INTSET_MEMBERS) * 100_000);
    return findMember(set.buffer, set.start, member);
  });
}

function intsetAdd(): MicroTask {
  const set = intsetOf();
  const member = new Int64();
  return task("intset: add to 512, remove it", (i) => {
    member.setNumber((i % INTSET_MEMBERS) * 100_000 + 1);
    addMember(set, member);
    return Number(removeMember(set, member));
  });
}

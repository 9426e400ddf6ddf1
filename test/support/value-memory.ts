/**
 * Empty memory for values, without a keyspace.
 */
import { Entries } from "../../src/memory/entries.ts";
import { HugeValues } from "../../src/memory/huge-values.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import { Slabs } from "../../src/memory/slabs.ts";
import { ValueMemory } from "../../src/types/value-memory.ts";

export function newValueMemory(): ValueMemory {
  return new ValueMemory(
    new Entries(new Slabs(), new HugeValues()),
    new KeyHash(Buffer.from("0123456789abcdef")),
  );
}

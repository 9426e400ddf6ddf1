/**
 * One value of an RDB file at a time in memory, to be written in another form: as commands, or as its type packs it
 * today.
 */
import { ByteArena } from "../../src/base/byte-arena.ts";
import type { RdbEntry } from "../../src/persistence/rdb/reader.ts";
import { newScratchMemory } from "../../src/persistence/rdb/value-check.ts";
import type { CommandSink, DataType } from "../../src/types/data-type.ts";
import { finishSteps } from "../../src/types/packed-parts.ts";
import { dataTypeOfRdb } from "../../src/types/registry.ts";
import { isRooted, rootOf } from "../../src/types/rooted.ts";
import type { ValueMemory } from "../../src/types/value-memory.ts";

const BLOCKS_AT_ONCE = 1 << 16;

/** A value that is no string, with its key. */
export type HeldEntry = Pick<RdbEntry, "key" | "type" | "payload">;

export interface PackedValue {
  readonly type: number;
  /** Valid until the next value. */
  readonly payload: Buffer;
}

export class ValueHolder {
  readonly memory: ValueMemory = newScratchMemory();
  readonly #arena = new ByteArena();

  /** Shows the commands that make the value: of an entry that is no string. */
  rewrite(entry: HeldEntry, sink: CommandSink): void {
    this.#with(entry, (dataType, address) => {
      finishSteps(dataType.rewrite(this.memory, address, entry.key, sink));
    });
  }

  /** The value in the form that this version writes. */
  pack(entry: HeldEntry, compress: boolean): PackedValue {
    this.#arena.reset();
    return this.#with(entry, (dataType, address) => ({
      type: dataType.rdbTypeOf(this.memory, address),
      payload: dataType.pack(this.memory, address, this.#arena, compress),
    }));
  }

  #with<T>(entry: HeldEntry, use: (dataType: DataType, address: number) => T): T {
    const { memory } = this;
    const { entries } = memory;
    const dataType = dataTypeOfRdb(entry.type);
    const value = dataType.unpack(memory, entry.type, entry.payload!);
    const address = entries.create(dataType.type, 0, entry.key, 0, entry.key.length, value.length);
    value.fill(memory, address);
    entries.setEncoding(address, value.encoding);
    try {
      return use(dataType, address);
    } finally {
      if (isRooted(entries.head(address))) {
        const root = rootOf(entries, address);
        while (!dataType.rooted!.disposeStep(memory, root, BLOCKS_AT_ONCE));
      }
      entries.free(address);
    }
  }
}

/**
 * Which clients have read which keys: the table of CLIENT TRACKING. Keys are told apart by their names alone, as in
 * Redis: which database they lie in does not matter.
 *
 * A key is an entry in slab memory whose value is the ids of its clients, ID_BYTES each, little-endian, ascending. So a
 * key that one client has read costs some 30 bytes and its name, and nothing on the heap. Ids of clients that are gone
 * stay until the key changes: to look for them would take longer than they are worth.
 */
import type { Keyspace } from "../../keyspace/keyspace.ts";
import { HashTable } from "../../memory/hash-table.ts";

/** Ids count connections; 2^48 of them are never reached. */
const ID_BYTES = 6;
const HASH_SPACE = 0x1_0000_0000;

export class TrackingTable {
  /** Ids of all keys together. */
  items = 0;
  private readonly keyspace: Pick<Keyspace, "entries" | "keyHash" | "random">;
  private table: HashTable;
  /** Emptied tables whose memory is freed bit by bit, and how far that is. */
  private readonly retired: HashTable[] = [];
  private freedTo = 0;

  constructor(keyspace: Pick<Keyspace, "entries" | "keyHash" | "random">) {
    this.keyspace = keyspace;
    this.table = new HashTable(keyspace.entries.slabs);
  }

  /** Number of keys. */
  get size(): number {
    return this.table.size;
  }

  /** Remembers that the client has read the key: `length` bytes of `buf` from `start`. */
  add(buf: Buffer, start: number, length: number, clientId: number): void {
    const { entries } = this.keyspace;
    const hash = this.keyspace.keyHash.of(buf, start, length);
    const address = this.find(hash, buf, start, length);
    if (address === 0) {
      const created = entries.create(0, 0, buf, start, length, ID_BYTES);
      entries.valueBuffer(created).writeUIntLE(clientId, entries.valueStart(created), ID_BYTES);
      this.table.insert(hash, created);
    } else {
      const place = this.placeOf(address, clientId);
      if (place === -1) return;
      const end = entries.valueLength(address);
      const moved = entries.resizeValue(address, end + ID_BYTES);
      if (moved !== address) this.table.replace(hash, address, moved);
      const ids = entries.value(moved);
      ids.copyWithin(place + ID_BYTES, place, end);
      ids.writeUIntLE(clientId, place, ID_BYTES);
    }
    this.items++;
  }

  has(key: Buffer): boolean {
    return this.find(this.keyspace.keyHash.of(key, 0, key.length), key, 0, key.length) !== 0;
  }

  /** Forgets a key; the ids of the clients that have read it. */
  take(key: Buffer): readonly number[] {
    const hash = this.keyspace.keyHash.of(key, 0, key.length);
    const address = this.find(hash, key, 0, key.length);
    if (address === 0) return [];
    const ids = this.idsOf(address);
    this.table.remove(hash, address);
    this.keyspace.entries.free(address);
    this.items -= ids.length;
    return ids;
  }

  /** A copy of some key; there must be one. */
  randomKey(): Buffer {
    return Buffer.from(this.keyspace.entries.key(this.table.sample(this.keyspace.random.next())));
  }

  /** Forgets all keys. Their memory is freed by `freeStep`. */
  clear(): void {
    if (this.table.size === 0) return;
    this.retired.push(this.table);
    this.table = new HashTable(this.keyspace.entries.slabs);
    this.items = 0;
  }

  /** Frees the memory of about `limit` keys that were forgotten together. */
  freeStep(limit: number): void {
    const table = this.retired[0];
    if (table === undefined) return;
    const addresses: number[] = [];
    this.freedTo = table.collect(this.freedTo, HASH_SPACE, limit, addresses);
    for (const address of addresses) this.keyspace.entries.free(address);
    if (this.freedTo < HASH_SPACE) return;
    table.dispose();
    this.retired.shift();
    this.freedTo = 0;
  }

  private find(hash: number, buf: Buffer, start: number, length: number): number {
    const { table } = this;
    if (table.size === 0) return 0;
    let address = table.seek(hash);
    while (address !== 0 && !this.keyspace.entries.keyEquals(address, buf, start, length)) {
      address = table.probeNext();
    }
    return address;
  }

  /** Where in the value of an entry an id belongs; -1 if it is there. Connections read in any order, so it is searched
   * for: one key may have the ids of all. */
  private placeOf(address: number, clientId: number): number {
    const { entries } = this.keyspace;
    const buffer = entries.valueBuffer(address);
    const start = entries.valueStart(address);
    let low = 0;
    let high = entries.valueLength(address) / ID_BYTES;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const id = buffer.readUIntLE(start + middle * ID_BYTES, ID_BYTES);
      if (id === clientId) return -1;
      if (id < clientId) low = middle + 1;
      else high = middle;
    }
    return low * ID_BYTES;
  }

  private idsOf(address: number): number[] {
    const { entries } = this.keyspace;
    const buffer = entries.valueBuffer(address);
    const start = entries.valueStart(address);
    const count = entries.valueLength(address) / ID_BYTES;
    return Array.from({ length: count }, (_, i) => buffer.readUIntLE(start + i * ID_BYTES, ID_BYTES));
  }
}

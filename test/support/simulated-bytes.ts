/**
 * The bytes of one file on the simulated disk: what programs see (the page cache), what the disk is sure to hold, and
 * between them, sector by sector, what may or may not have been written back yet.
 *
 * What a power cut leaves (`afterPowerCut`), for each sector written since the last sync independently:
 *   kept    as one of the writes left it, the last or an earlier one;
 *   lost    as the last sync left it, or zeros where the file had no bytes then.
 * The length is that of the last sync or any the file had since; zeros stand where the length arrived and the data
 * did not. A sector is never torn within itself, and no byte that a sync covered is lost: disks write a sector
 * whole.
 *
 * A failed sync (`failSync`) follows Linux: of the sectors to be written some arrive, and all are clean afterwards.
 * Programs still see the others, no later sync writes them, and a power cut loses them. Writing to such a sector
 * again makes all of it dirty again.
 */
import type { Random } from "../../src/base/random.ts";

/** More versions of one unsynced sector than this tell no test anything new. */
const MAX_VERSIONS = 4;

/** Bytes with a length that changes; what is between a shorter length and a longer one later is zeros. */
class Bytes {
  #storage: Buffer;
  length = 0;

  constructor(initial: Uint8Array = Buffer.alloc(0)) {
    this.#storage = Buffer.from(initial);
    this.length = initial.length;
  }

  resize(length: number): void {
    if (length > this.#storage.length) {
      const larger = Buffer.alloc(Math.max(length, this.#storage.length * 2));
      this.#storage.copy(larger, 0, 0, this.length);
      this.#storage = larger;
    } else if (length < this.length) {
      this.#storage.fill(0, length, this.length);
    }
    this.length = length;
  }

  set(data: Uint8Array, position: number): void {
    this.#storage.set(data, position);
  }

  /** Bytes `from` to `to`, a view; it ends where the bytes end. */
  view(from: number, to: number): Buffer {
    return this.#storage.subarray(Math.min(from, this.length), Math.min(to, this.length));
  }
}

export class SimulatedBytes {
  readonly #sectorSize: number;
  readonly #cached: Bytes;
  readonly #durable: Bytes;
  /** Unsynced sectors: what each write since the last sync made of them, oldest first. */
  readonly #dirty = new Map<number, Buffer[]>();
  /** Lengths since the last sync, oldest first. */
  #lengths: number[] = [];

  constructor(sectorSize: number, content: Uint8Array = Buffer.alloc(0)) {
    this.#sectorSize = sectorSize;
    this.#cached = new Bytes(content);
    this.#durable = new Bytes(content);
  }

  get length(): number {
    return this.#cached.length;
  }

  /** What programs see. */
  content(): Buffer {
    return Buffer.from(this.#cached.view(0, this.#cached.length));
  }

  /** Sectors that a sync would write. */
  get dirtySectors(): number {
    return this.#dirty.size;
  }

  read(target: Uint8Array, position: number): number {
    const source = this.#cached.view(position, position + target.length);
    target.set(source);
    return source.length;
  }

  write(data: Uint8Array, position: number): void {
    if (data.length === 0) return;
    const end = position + data.length;
    const start = Math.min(position, this.#cached.length);
    if (end > this.#cached.length) this.#setLength(end);
    this.#cached.set(data, position);
    this.#markDirty(start, end);
  }

  truncate(length: number): void {
    const before = this.#cached.length;
    if (length === before) return;
    this.#setLength(length);
    this.#markDirty(Math.min(before, length), Math.max(before, length));
  }

  sync(): void {
    this.#durable.resize(this.#cached.length);
    for (const [sector, versions] of this.#dirty) this.#storeDurable(sector, versions[versions.length - 1]);
    this.#dirty.clear();
    this.#lengths = [];
  }

  failSync(random: Random): void {
    const lengthArrives = random.below(2) === 0;
    if (lengthArrives) this.#durable.resize(this.#cached.length);
    for (const [sector, versions] of this.#dirty) {
      if (random.below(2) === 0) this.#storeDurable(sector, versions[versions.length - 1]);
    }
    this.#dirty.clear();
    this.#lengths = lengthArrives ? [] : [this.#cached.length];
  }

  /** The file as it is found after a power cut. */
  afterPowerCut(random: Random): SimulatedBytes {
    const sectors = [...this.#dirty.keys()].sort((a, b) => a - b);
    const keeps = chooseKept(sectors.length, random);
    const lengths = [this.#durable.length, ...this.#lengths];
    const newest = lengths[lengths.length - 1];
    // Losing everything includes the length: the simplest outcome has to be a common one.
    const length = keeps === "none" || random.below(4) === 0 ? lengths[random.below(lengths.length)] : newest;
    const image = Buffer.alloc(Math.max(length, this.#durable.length, newest) + this.#sectorSize);
    this.#durable.view(0, this.#durable.length).copy(image);
    sectors.forEach((sector, order) => {
      if (keeps === "none" || !keeps(order)) return;
      const versions = this.#dirty.get(sector) ?? [];
      const version = random.below(4) === 0 ? random.below(versions.length) : versions.length - 1;
      const position = sector * this.#sectorSize;
      if (position < image.length) versions[version].copy(image, position);
    });
    return new SimulatedBytes(this.#sectorSize, image.subarray(0, length));
  }

  clone(): SimulatedBytes {
    const copy = new SimulatedBytes(this.#sectorSize);
    copy.#cached.resize(this.#cached.length);
    copy.#cached.set(this.#cached.view(0, this.#cached.length), 0);
    copy.#durable.resize(this.#durable.length);
    copy.#durable.set(this.#durable.view(0, this.#durable.length), 0);
    for (const [sector, versions] of this.#dirty) copy.#dirty.set(sector, [...versions]);
    copy.#lengths = [...this.#lengths];
    return copy;
  }

  #setLength(length: number): void {
    this.#cached.resize(length);
    this.#lengths.push(length);
  }

  #markDirty(from: number, to: number): void {
    const last = Math.ceil(to / this.#sectorSize);
    for (let sector = Math.floor(from / this.#sectorSize); sector < last; sector++) {
      const position = sector * this.#sectorSize;
      const version = Buffer.alloc(this.#sectorSize);
      this.#cached.view(position, position + this.#sectorSize).copy(version);
      const versions = this.#dirty.get(sector);
      if (versions === undefined) this.#dirty.set(sector, [version]);
      else if (versions.push(version) > MAX_VERSIONS) versions.shift();
    }
  }

  #storeDurable(sector: number, version: Buffer): void {
    const position = sector * this.#sectorSize;
    const room = this.#durable.length - position;
    if (room > 0) this.#durable.set(version.subarray(0, room), position);
  }
}

/**
 * Which of `count` unsynced sectors reached the disk. Besides an even mixture there are the outcomes in which most
 * errors of programs hide, and which chance would hardly ever choose: none, all, all up to one, all from one, nearly
 * all, hardly any.
 */
function chooseKept(count: number, random: Random): "none" | ((order: number) => boolean) {
  const edge = random.below(count + 1);
  const oneIn = (limit: number) => () => random.below(limit) === 0;
  switch (random.below(7)) {
    case 0:
      return "none";
    case 1:
      return () => true;
    case 2:
      return (order) => order < edge;
    case 3:
      return (order) => order >= edge;
    case 4:
      return oneIn(2);
    case 5:
      return oneIn(10);
    default:
      return () => random.below(10) !== 0;
  }
}

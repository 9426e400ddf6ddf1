/**
 * Ways to damage a file, or a set of files, by seed.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Random } from "../../../src/base/random.ts";

const PAGE_BYTES = 4096;
/** The head of a file, without which nobody knows what it is. */
const HEAD_BYTES = 200;

/** Damages the file at `path`. */
export type Damage = (path: string, random: Random) => void;

function edit(change: (bytes: Buffer, random: Random) => Buffer): Damage {
  return (path, random) => writeFileSync(path, change(readFileSync(path), random));
}

function flip(bytes: Buffer, random: Random): void {
  const at = HEAD_BYTES + random.below(bytes.length - HEAD_BYTES);
  bytes[at] ^= 1 << random.below(8);
}

/** The place of some page that is not the first. */
function page(bytes: Buffer, random: Random): number {
  return PAGE_BYTES * (1 + random.below(Math.max(1, Math.floor(bytes.length / PAGE_BYTES) - 1)));
}

export const FILE_DAMAGES: Readonly<Record<string, Damage>> = {
  "a flipped bit": edit((bytes, random) => {
    flip(bytes, random);
    return bytes;
  }),
  "eight flipped bits": edit((bytes, random) => {
    for (let i = 0; i < 8; i++) flip(bytes, random);
    return bytes;
  }),
  "a page of zeros": edit((bytes, random) => {
    const at = page(bytes, random);
    return bytes.fill(0, at, Math.min(bytes.length, at + PAGE_BYTES));
  }),
  "two pages exchanged": edit((bytes, random) => {
    const [first, second] = [page(bytes, random), page(bytes, random)];
    const kept = Buffer.from(bytes);
    kept.copy(bytes, first, second, second + PAGE_BYTES);
    kept.copy(bytes, second, first, first + PAGE_BYTES);
    return bytes;
  }),
  "cut off": edit((bytes, random) => bytes.subarray(0, HEAD_BYTES + random.below(bytes.length - HEAD_BYTES))),
  "a tail of zeros": edit((bytes) => Buffer.concat([bytes, Buffer.alloc(PAGE_BYTES)])),
};

/** Of the manifest. */
export const MANIFEST_DAMAGES: Readonly<Record<string, Damage>> = {
  "the manifest mangled": edit((bytes, random) => {
    const at = random.below(bytes.length);
    bytes[at] = 0x21 + random.below(90);
    return bytes;
  }),
  "the manifest lost": (path) => rmSync(path),
};

export const LOST: Damage = (path) => rmSync(path);

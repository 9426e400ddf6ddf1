/**
 * tsredis-check-tier on damaged files of LevelDB, by seed: whatever it says is true, and a repaired directory
 * opens with keys that all have the value they had. Method: one directory with everything cold; each case
 * damages a copy, and compares what a server holds on it after the repair with what one held before.
 */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { main } from "../../tools/check-tier/main.ts";
import { usualSeed } from "../support/seed.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { fingerprint, makeTierDirectory, runTool, valuesIn } from "./tier-directory.ts";

const KEYS = 1600;
const root = temporaryFolder();
const original = join(root, "original");
let expected: Map<string, string>;
let made = 0;

beforeAll(async () => {
  mkdirSync(original);
  await makeTierDirectory(original, KEYS, ["--maxmemory", "6mb", "--cold-tier-spill-all", "yes"]);
  expected = await valuesIn(original);
  expect(expected.size).toBeGreaterThan(KEYS);
});
afterAll(() => removeFolder(root));

interface Report {
  readonly exitStatus: number;
  readonly valid: boolean;
  readonly records: number;
  readonly keysLost: number;
  readonly problemCounts: Record<string, number>;
  readonly problems: readonly { readonly kind: string; readonly length?: number }[];
  readonly beyondRepair?: string;
}

async function check(folder: string, ...args: string[]): Promise<Report> {
  const { output } = await runTool(main, ["--json", ...args, folder]);
  return JSON.parse(output.toString("latin1")) as Report;
}

type Damage = (folder: string, random: SeededRandom) => void;

function filesLike(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

function anyOf<T>(values: readonly T[], random: SeededRandom): T {
  return values[random.below(values.length)];
}

/** Changes bytes of one of the files that match. */
function change(pattern: RegExp, edit: (bytes: Buffer, random: SeededRandom) => void): Damage {
  return (folder, random) => {
    const path = anyOf(filesLike(folder, pattern), random);
    const bytes = readFileSync(path);
    edit(bytes, random);
    writeFileSync(path, bytes);
  };
}

function flipBits(count: number) {
  return (bytes: Buffer, random: SeededRandom): void => {
    for (let i = 0; i < count; i++) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  };
}

const DAMAGES: Record<string, Damage> = {
  "a flipped bit in a table": change(/\.ldb$/, flipBits(1)),
  "twenty flipped bits in a table": change(/\.ldb$/, flipBits(20)),
  "a page of zeros in a table": change(/\.ldb$/, (bytes, random) => {
    const at = random.below(Math.ceil(bytes.length / 4096)) * 4096;
    bytes.fill(0, at, Math.min(bytes.length, at + 4096));
  }),
  "a table cut off": (folder, random) => {
    const path = anyOf(filesLike(folder, /\.ldb$/), random);
    truncateSync(path, random.below(readFileSync(path).length));
  },
  "a lost table": (folder, random) => rmSync(anyOf(filesLike(folder, /\.ldb$/), random)),
  "a flipped bit in a log": change(/\.log$/, flipBits(1)),
  "a lost log": (folder, random) => rmSync(anyOf(filesLike(folder, /\.log$/), random)),
  "a flipped bit in the MANIFEST": change(/^MANIFEST-/, flipBits(1)),
  "the MANIFEST cut off": (folder, random) => {
    const path = anyOf(filesLike(folder, /^MANIFEST-/), random);
    truncateSync(path, random.below(readFileSync(path).length));
  },
  "the MANIFEST lost": (folder) => rmSync(filesLike(folder, /^MANIFEST-/)[0]),
  "CURRENT lost": (folder) => rmSync(join(folder, "CURRENT")),
  "CURRENT overwritten": (folder) => writeFileSync(join(folder, "CURRENT"), "nonsense"),
};

/** Damages a copy, examines it, repairs it, and sees whether all that was said is true. */
async function examineDamage(damage: Damage, seed: number): Promise<void> {
  const folder = join(root, String(++made));
  cpSync(original, folder, { recursive: true });
  damage(join(folder, "cold-tier"), new SeededRandom(seed));
  const before = fingerprint(folder);
  const found = await check(folder);
  expect(fingerprint(folder)).toBe(before);
  const repaired = await check(folder, "--fix", "--yes");
  if (repaired.beyondRepair !== undefined) {
    expect(found.beyondRepair).toBe(repaired.beyondRepair);
    expect(fingerprint(folder)).toBe(before);
  } else {
    expect(repaired.exitStatus).toBe(0);
    expect(found.problemCounts).toEqual(repaired.problemCounts);
    expect(await check(folder)).toMatchObject({
      exitStatus: 0,
      problemCounts: {},
      records: repaired.records,
    });
    const values = await valuesIn(folder);
    for (const [key, value] of values) expect(value, key).toBe(expected.get(key));
    // Of the keys that were lost, the log may have deleted or replaced some.
    expect(expected.size - values.size).toBeLessThanOrEqual(repaired.keysLost);
    if (found.valid) expect(values.size).toBe(expected.size);
  }
  removeFolder(folder);
}

test("the place of damage is told: file, offset, and how many bytes", async () => {
  const folder = join(root, String(++made));
  cpSync(original, folder, { recursive: true });
  const [path] = filesLike(join(folder, "cold-tier"), /\.ldb$/);
  const table = readFileSync(path);
  table[100] ^= 1;
  writeFileSync(path, table);
  const { exitStatus, problems } = await check(folder);
  expect(exitStatus).toBe(1);
  expect(problems[0]).toMatchObject({ kind: "files", file: basename(path), offset: 0 });
  expect(problems[0].length).toBeGreaterThan(100);
  removeFolder(folder);
});

test("with every footer or index damaged nothing is lost; of a table cut off, only what was cut off", async () => {
  for (const place of [-1, -60]) {
    const folder = join(root, String(++made));
    cpSync(original, folder, { recursive: true });
    const tables = filesLike(join(folder, "cold-tier"), /\.ldb$/);
    for (const path of tables) {
      const table = readFileSync(path);
      table[table.length + place] ^= 1;
      writeFileSync(path, table);
    }
    const repaired = await check(folder, "--fix", "--yes");
    expect(repaired).toMatchObject({ exitStatus: 0, keysLost: 0, problemCounts: { files: tables.length } });
    expect(await valuesIn(folder)).toEqual(expected);
    removeFolder(folder);
  }
  const folder = join(root, String(++made));
  cpSync(original, folder, { recursive: true });
  const tables = filesLike(join(folder, "cold-tier"), /\.ldb$/);
  const sizes = tables.map((path) => statSync(path).size);
  const largest = sizes.indexOf(Math.max(...sizes));
  const { records } = await check(folder);
  truncateSync(tables[largest], sizes[largest] >> 1);
  const share = sizes[largest] / sizes.reduce((sum, size) => sum + size, 0);
  expect((await check(folder)).keysLost).toBeLessThan(records * share * 0.7);
  removeFolder(folder);
});

describe("every statement is true, and every key that is left is right, after", () => {
  test.each(Object.entries(DAMAGES))("%s", async (_, damage) => {
    const seed = usualSeed();
    await examineDamage(damage, seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  });
});

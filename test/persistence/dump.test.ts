/** The snapshot that SAVE writes: every key with its value, compressed if `rdbcompression` says so. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { realFiles } from "../../src/base/real-files.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { setString } from "../../src/keyspace/strings.ts";
import { Dump } from "../../src/persistence/dump.ts";
import { InlineVerifier } from "../../src/persistence/dump-verifier.ts";
import { RdbReader } from "../../src/persistence/rdb/reader.ts";
import { encodingOf } from "../../src/types/string/string-value.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const VALUES = ["", "12", "short", "compressible ".repeat(1000)].map((text) => Buffer.from(text));

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => removeFolder(folder));

test.each([true, false])("with rdbcompression: %s", async (rdbcompression) => {
  const keyspace = new Keyspace({
    databases: 2,
    clock: new ManualClock(1_700_000_000_000),
    random: new SeededRandom(1),
    hashSeed: Buffer.from("0123456789abcdef"),
  });
  const [, database] = keyspace.databases;
  for (const [i, value] of VALUES.entries()) {
    const key = Buffer.from(String(i));
    database.find(key, 0, key.length);
    const encoding = encodingOf(value, 0, value.length);
    setString(keyspace, database, 0, key, 0, key.length, value, 0, value.length, encoding, 0);
  }
  const { clock } = keyspace;
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
  await new Dump({
    files: realFiles,
    folder,
    name: "dump.rdb",
    clock,
    keyspace,
    tier: undefined,
    spiller: undefined,
    verifier: new InlineVerifier(realFiles, clock, nextTurn),
    nextTurn,
    sleep: nextTurn,
    options: {
      rdbcompression,
      rdbchecksum: true,
      incrementalFsync: true,
      maxBytesPerSecond: () => 0,
      withAccess: false,
      keyDelay: 0,
    },
  }).run(() => {});
  const path = join(folder, "dump.rdb");
  expect(statSync(path).size < 1000).toBe(rdbcompression);
  const file = await realFiles.open(path, "read");
  const found = new Map<string, string>();
  for await (const record of await RdbReader.open(file)) {
    if (record.kind === "entry") found.set(record.key.toString(), record.value!.toString());
  }
  await file.close();
  expect(found).toEqual(new Map(VALUES.map((value, i) => [String(i), value.toString()])));
});

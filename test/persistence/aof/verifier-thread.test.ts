/** The thread that verifies a file says what the verifier says: of whole files, damaged ones, and parts of them. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { AofReader } from "../../../src/persistence/aof/reader.ts";
import { type AofOutcome, AofVerifier } from "../../../src/persistence/aof/verifier.ts";
import type { ThreadVerifier, VerifierTask } from "../../../src/persistence/aof/verifier-thread.ts";
import { nextTurn } from "../../../src/server/turn-end.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { memoryFile } from "../memory-file.ts";

const PROGRAM = new URL("../../../dist/src/persistence/aof/verifier-thread.js", import.meta.url);
const COMMANDS = 30_000;

let folder = "";

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => removeFolder(folder));

/** About 3 MB, of which every hundredth command begins a transaction of three. */
function sampleFile(): Buffer {
  const random = new SeededRandom(7);
  const parts: string[] = [];
  const add = (...words: string[]): void => {
    parts.push(`*${words.length}\r\n`, ...words.map((word) => `$${word.length}\r\n${word}\r\n`));
  };
  for (let i = 0; i < COMMANDS; i++) {
    if (i % 100 === 0) add("MULTI");
    add("SET", `key:${i}`, "v".repeat(random.below(120)));
    if (i % 100 === 2) add("EXEC");
  }
  return Buffer.from(parts.join(""));
}

async function open(task: VerifierTask, bytes: Buffer, isThreadFirst = true): Promise<ThreadVerifier> {
  expect(existsSync(PROGRAM), "npm run build").toBe(true);
  const module = (await import(PROGRAM.href)) as { ThreadVerifier: typeof ThreadVerifier };
  const file = memoryFile(bytes);
  const from = task.start ?? 0;
  const verifier: ThreadVerifier = await module.ThreadVerifier.open(task, {
    ...file,
    // What is read here comes only when the thread has told something.
    async read(target, position) {
      while (isThreadFirst && verifier.position === from && verifier.outcome === undefined) await nextTurn();
      return file.read(target, position);
    },
  });
  return verifier;
}

async function commandsBehind(bytes: Buffer, verifier?: ThreadVerifier): Promise<number> {
  const reader = await AofReader.open(memoryFile(bytes), {
    reusesChunks: true,
    ...(verifier === undefined ? {} : { verifier }),
  });
  let commands = 0;
  for await (const _ of reader.commands()) commands++;
  return commands;
}

async function inThread(
  bytes: Buffer,
  isThreadFirst: boolean,
  part: Omit<VerifierTask, "path"> = {},
): Promise<AofOutcome> {
  const path = join(folder, "some.aof");
  writeFileSync(path, bytes);
  const verifier = await open({ path, ...part }, bytes, isThreadFirst);
  try {
    let reached = part.start ?? 0;
    for (let extent = await verifier.advance(); extent !== undefined; extent = await verifier.advance()) {
      expect(extent.start).toBe(reached);
      reached = extent.end;
    }
    expect(reached).toBe(verifier.outcome!.validUpTo);
    return verifier.outcome!;
  } finally {
    await verifier.close();
  }
}

test.each([
  ["the thread ahead from the beginning", true],
  ["whoever is ahead", false],
])("the same outcome: %s", async (_, isThreadFirst) => {
  const whole = sampleFile();
  const flipped = Buffer.from(whole);
  flipped[whole.length >> 1] ^= 0x80;
  const broken = Buffer.from(whole);
  broken.write("*x", whole.lastIndexOf("*3\r\n", whole.length >> 1), "latin1");
  for (const bytes of [whole, flipped, broken, whole.subarray(0, -3)]) {
    const verifier = await AofVerifier.open(memoryFile(bytes));
    expect(await inThread(bytes, isThreadFirst)).toEqual(await verifier.finish());
  }
  const start = whole.indexOf("*1\r\n", 1_000_000);
  const part = { start, end: whole.indexOf("*1\r\n", 2_000_000), name: "part.aof" };
  const verifier = await AofVerifier.open(memoryFile(whole), part);
  expect(await inThread(whole, isThreadFirst, part)).toEqual(await verifier.finish());
});

test("a reader behind it reads the same commands", async () => {
  const bytes = sampleFile();
  const path = join(folder, "some.aof");
  writeFileSync(path, bytes);
  const verifier = await open({ path }, bytes);
  expect(await commandsBehind(bytes, verifier)).toBe(await commandsBehind(bytes));
  await verifier.close();
});

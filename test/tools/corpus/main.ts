/**
 * `npm run corpus`: what the tools save of damaged files, ours beside Redis's. The real servers write the files, which
 * are damaged by seed; after the repair Redis is started on them, and its keys are compared with those of before.
 * Prints the table that docs/tools.md has.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SeededRandom } from "../../../src/base/random.ts";
import { type Damage, FILE_DAMAGES, LOST, MANIFEST_DAMAGES } from "./damages.ts";
import { CorpusServer, type Program } from "./servers.ts";

const HELP = `Usage: npm run corpus -- [options]

  --seeds N   damaged copies for each row (5)
  --help      this text`;

const KEYS = 1000;
const AOF = "appendonlydir";
const MANIFEST = "appendonly.aof.manifest";
const WITH_LOG = ["--appendonly", "yes"];
const WITHOUT_LOG = ["--appendonly", "no"];
const CHECK_AOF = fileURLToPath(new URL("../../../tools/check-aof.js", import.meta.url));
const CHECK_RDB = fileURLToPath(new URL("../../../tools/check-rdb.js", import.meta.url));

type Digests = ReadonlyMap<string, string>;

/** Files of one server, and what they hold. */
interface Corpus {
  readonly program: Program;
  readonly folder: string;
  readonly digests: Digests;
}

/** What is left: keys as they were, and others. */
interface Left {
  readonly good: number;
  readonly wrong: number;
}

const NOTHING: Left = { good: 0, wrong: 0 };

/** A repair of the files in a folder; false if it could not. */
type Repair = (folder: string) => boolean;

interface Row {
  readonly files: string;
  readonly damage: string;
  readonly args: readonly string[];
  readonly apply: (folder: string, random: SeededRandom) => void;
  readonly ours: Repair;
  readonly theirs: Repair;
}

/** A command for each key, of every type. */
function commandFor(i: number): (string | number)[] {
  const key = `key:${i}`;
  const text = `value ${i} `.repeat(1 + (i % 9));
  switch (i % 6) {
    case 0:
      return ["SET", key, text];
    case 1:
      return ["RPUSH", key, text, i, "three"];
    case 2:
      return ["SADD", key, i, i + 1, i + 2];
    case 3:
      return ["HSET", key, "field", text, "number", i];
    case 4:
      return ["ZADD", key, i, text, 2, "two"];
    default:
      return ["XADD", key, "1-1", "field", text];
  }
}

async function makeCorpus(program: Program, root: string): Promise<Corpus> {
  const folder = join(root, program);
  mkdirSync(folder);
  const server = await CorpusServer.start(program, folder, [...WITH_LOG, "--rdbcompression", "no"]);
  if (server === undefined) throw new Error(`${program} does not start`);
  const numbers = Array.from({ length: KEYS }, (_, i) => i);
  await server.run(numbers.slice(0, KEYS / 2).map(commandFor));
  await server.rewrite();
  // One by one, as most clients do: a block for each, or for few.
  for (const i of numbers.slice(KEYS / 2)) await server.run([commandFor(i)]);
  await server.run([["SAVE"]]);
  const digests = await server.digests();
  await server.end();
  return { program, folder, digests };
}

function succeeds(command: string, args: readonly string[], input = ""): boolean {
  return spawnSync(command, args, { input, encoding: "latin1" }).status === 0;
}

const salvageAof: Repair = (folder) =>
  succeeds(process.execPath, [CHECK_AOF, "--salvage", "--yes", "--no-backup", join(folder, AOF, MANIFEST)]);
const fixAof: Repair = (folder) => succeeds("redis-check-aof", ["--fix", join(folder, AOF, MANIFEST)], "y\n");
const salvageRdb: Repair = (folder) => {
  const [file, clean] = [join(folder, "dump.rdb"), join(folder, "clean.rdb")];
  if (!succeeds(process.execPath, [CHECK_RDB, "--salvage", clean, file])) return false;
  cpSync(clean, file);
  return true;
};
const checkRdb: Repair = (folder) => succeeds("redis-check-rdb", [join(folder, "dump.rdb")]);

/** The only file of the append-only directory whose name ends so. */
function logFile(folder: string, ending: string): string {
  const name = readdirSync(join(folder, AOF)).find((each) => each.endsWith(ending));
  return join(folder, AOF, name!);
}

function rowsOf(name: string): Row[] {
  const log = { args: WITH_LOG, ours: salvageAof, theirs: fixAof };
  const onLog = (files: string, damage: string, apply: Damage, ending: string): Row => ({
    ...log,
    files: `${files} of ${name}`,
    damage,
    apply: (folder, random) => apply(logFile(folder, ending), random),
  });
  return [
    ...Object.entries(FILE_DAMAGES).map(([damage, apply]) => onLog("incr file", damage, apply, ".incr.aof")),
    onLog("incr file", "the file lost", LOST, ".incr.aof"),
    ...Object.entries(FILE_DAMAGES).map(([damage, apply]) => onLog("base file", damage, apply, ".base.rdb")),
    onLog("base file", "the file lost", LOST, ".base.rdb"),
    ...Object.entries(MANIFEST_DAMAGES).map(([damage, apply]) => onLog("set", damage, apply, ".manifest")),
    ...Object.entries(FILE_DAMAGES).map(([damage, apply]) => ({
      files: `dump of ${name}`,
      damage,
      args: WITHOUT_LOG,
      ours: salvageRdb,
      theirs: checkRdb,
      apply: (folder: string, random: SeededRandom) => apply(join(folder, "dump.rdb"), random),
    })),
  ];
}

/** What Redis loads of the files. */
async function leftIn(folder: string, args: readonly string[], before: Digests): Promise<Left> {
  const server = await CorpusServer.start("redis", folder, args);
  if (server === undefined) return NOTHING;
  const found = await server.digests();
  await server.end();
  const good = [...found].filter(([key, digest]) => before.get(key) === digest).length;
  return { good, wrong: found.size - good };
}

async function lineOf(row: Row, corpus: Corpus, seeds: number, root: string): Promise<string> {
  const cells: string[] = [];
  for (const repair of [row.ours, row.theirs]) {
    const left: Left[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const folder = mkdtempSync(join(root, "copy-"));
      cpSync(corpus.folder, folder, { recursive: true });
      row.apply(folder, new SeededRandom(seed, 5));
      left.push(repair(folder) ? await leftIn(folder, row.args, corpus.digests) : NOTHING);
      rmSync(folder, { recursive: true });
    }
    cells.push(shown(left));
  }
  return `| ${row.files} | ${row.damage} | ${cells.join(" | ")} |`;
}

/** Mean of the good ones, and the wrong ones of all copies. */
function shown(left: readonly Left[]): string {
  const good = Math.round(left.reduce((sum, each) => sum + each.good, 0) / left.length);
  const wrong = left.reduce((sum, each) => sum + each.wrong, 0);
  return `${good}${wrong === 0 ? "" : `, and ${wrong} wrong`}`;
}

async function run(seeds: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "tsredis-corpus-"));
  try {
    print(`| Files | Damage | tsredis's tools | Redis's tools |\n|---|---|---|---|`);
    for (const [program, name] of [
      ["tsredis", "tsredis"],
      ["redis", "Redis"],
    ] as const) {
      const corpus = await makeCorpus(program, root);
      for (const row of rowsOf(name)) print(await lineOf(row, corpus, seeds, root));
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "5" }, help: { type: "boolean", default: false } },
});
if (values.help) print(HELP);
else await run(Math.max(1, Math.floor(Number(values.seeds)) || 1));

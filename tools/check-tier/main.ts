/** tsredis-check-tier from arguments to exit status. */
import { dirname, join } from "node:path";
import { StorageError } from "../../src/base/storage-error.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { ManifestError } from "../../src/persistence/aof/manifest.ts";
import { LoadError } from "../../src/persistence/load-error.ts";
import { QUARANTINE_FILE } from "../../src/persistence/quarantine.ts";
import { RdbError } from "../../src/persistence/rdb/reader.ts";
import { Console, confirms, EXIT_FAILED, EXIT_OK, EXIT_WOULD_CHANGE } from "../shared/console.ts";
import { lockDirectories } from "../shared/directory-lock.ts";
import { makeScratchFolder, removeScratchFolder } from "../shared/scratch-folder.ts";
import { type Surroundings } from "../shared/surroundings.ts";
import { asBytes, isSystemError, namedErrorText, plural } from "../shared/texts.ts";
import { runTool, statusOf } from "../shared/tool.ts";
import { HELP, OPTIONS, readArguments, type TierRequest, USAGE } from "./arguments.ts";
import { openDirectory, type TierDirectory, tierOf } from "./directory.ts";
import { examine, type ProvableTier } from "./examination.ts";
import { Findings } from "./findings.ts";
import { BeyondRepair } from "./history.ts";
import { type Backups, install } from "./installation.ts";
import { readTail, type TailFindings } from "./log-tail.ts";
import { newMetadata, writeNewBase } from "./new-base.ts";
import { QuarantineSink } from "./quarantine-sink.ts";
import { TierStatistics } from "./statistics.ts";

/** What the JSON object holds besides problems. */
interface Result {
  tier?: { folder: string; generation: number };
  /** Records that are right. */
  records?: number;
  /** Taken out, or to be taken out. */
  quarantined?: number;
  isRepaired?: boolean;
  backups?: Backups;
  /** Why it cannot be repaired. */
  beyondRepair?: string;
}

/** All that was found, and where. */
interface Outcome {
  readonly directory: TierDirectory;
  readonly scratch: string;
  readonly provable: ProvableTier;
  readonly quarantine: QuarantineSink;
  readonly tail: TailFindings;
}

const TAINTED = "the append-only file changes it behind the checkpoint, and what it changes is lost";

/** Runs the tool; resolves to the exit status. */
export function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const tool = {
    name: "tsredis-check-tier",
    options: OPTIONS,
    usage: USAGE,
    help: HELP,
    read: readArguments,
    run: (request: TierRequest) => new TierTool(request, surroundings).run(),
  };
  return runTool(tool, args, surroundings);
}

class TierTool {
  readonly #request: TierRequest;
  readonly #surroundings: Surroundings;
  readonly #console: Console;
  readonly #findings = new Findings();
  readonly #statistics = new TierStatistics();
  readonly #result: Result = {};

  constructor(request: TierRequest, surroundings: Surroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.#console = new Console(request.isJson, surroundings.output, surroundings.terminal);
  }

  async run(): Promise<number> {
    const { path, wantsStatistics } = this.#request;
    const status = await statusOf(this.#console, () => this.#locked(), textOf);
    const { counts, keysLost } = this.#findings;
    this.#console.finishJson({
      path,
      valid: status === EXIT_OK,
      exitStatus: status,
      ...this.#result,
      problemCounts: Object.fromEntries(counts),
      keysLost,
      problems: this.#findings.json(),
      ...(wantsStatistics ? { statistics: this.#statistics.result() } : {}),
    });
    return status;
  }

  async #locked(): Promise<number> {
    const { files } = this.#surroundings;
    const directory = await openDirectory(files, this.#request.path);
    const lock = await lockDirectories([join(directory.folder, "any")]);
    try {
      const withTier = await tierOf(files, directory);
      if (withTier === undefined) {
        this.#console.print("No data lies in the cold tier: the manifest names none");
        return EXIT_OK;
      }
      return await this.#inScratch(withTier);
    } finally {
      await lock.release();
    }
  }

  async #inScratch(directory: TierDirectory): Promise<number> {
    const { tier } = directory;
    this.#result.tier = { ...tier };
    this.#console.print(`Checking the cold tier ${asBytes(tier.folder)}, generation ${tier.generation}`);
    const scratch = await makeScratchFolder(this.#request.temporary ?? directory.folder);
    try {
      return await this.#check(directory, scratch);
    } finally {
      await removeScratchFolder(scratch);
    }
  }

  async #check(directory: TierDirectory, scratch: string): Promise<number> {
    const { files, nowMs } = this.#surroundings;
    const findings = this.#findings;
    const console = this.#console;
    const quarantine = await QuarantineSink.create(files, join(scratch, "quarantine"), nowMs);
    const statistics = this.#statistics;
    let provable: ProvableTier;
    try {
      provable = await examine({ files, directory, scratch, console, findings, quarantine, statistics });
    } catch (error) {
      await quarantine.finish();
      if (!(error instanceof BeyondRepair)) throw error;
      findings.print(console);
      this.#result.beyondRepair = error.message;
      throw console.stop(`The cold tier cannot be repaired: ${asBytes(error.message)}`);
    }
    try {
      await quarantine.finish();
      const tail = await readTail(files, directory, provable.seed, provable.losses);
      for (const { db, isLost, key } of tail.tainted)
        findings.add({ kind: "tail", db, key, reason: TAINTED, losesKey: !isLost });
      findings.print(console);
      if (this.#request.wantsStatistics) statistics.print(console);
      return await this.#conclude({ directory, scratch, provable, quarantine, tail });
    } finally {
      await provable.store.close();
    }
  }

  async #conclude(outcome: Outcome): Promise<number> {
    const { provable, quarantine, tail } = outcome;
    const { isAnswered, isDryRun, isFix } = this.#request;
    const console = this.#console;
    const records = [...provable.kept.values()].reduce((sum, count) => sum + count, 0);
    this.#result.records = records;
    this.#result.quarantined = quarantine.pieces;
    if (this.#findings.isClean) {
      console.printGood(`${plural(records, "record")}, all right`);
      return EXIT_OK;
    }
    const problems = [...this.#findings.counts.values()].reduce((sum, count) => sum + count, 0);
    console.print(
      `${plural(problems, "problem")}; ${plural(records, "record")} are right, ${plural(this.#findings.keysLost, "key")} cannot be read`,
    );
    if (!isFix) {
      console.printBad("The cold tier is not valid. Use the --fix option to try fixing it.");
      return EXIT_FAILED;
    }
    console.print(
      `This will write the tier anew with ${plural(records, "record")}, and put ${plural(quarantine.pieces, "record")} into ${QUARANTINE_FILE}`,
    );
    if (tail.tainted.length > 0)
      console.print(`and delete ${plural(tail.tainted.length, "key")} at the end of the append-only file`);
    if (isDryRun) return EXIT_WOULD_CHANGE;
    if (!isAnswered && !(await confirms(console, this.#surroundings.input)))
      throw console.stop("Aborting...");
    await this.#repair(outcome, records);
    return EXIT_OK;
  }

  async #repair(outcome: Outcome, records: number): Promise<void> {
    const { directory, provable, quarantine, scratch, tail } = outcome;
    const { files } = this.#surroundings;
    const { facts, kept, losses, path, seed, store } = provable;
    const console = this.#console;
    let newBase: string | undefined;
    if (provable.changesBase) {
      newBase = join(scratch, "base");
      await writeNewBase({
        files,
        oldPath: directory.basePath,
        newPath: newBase,
        facts,
        store,
        seed,
        kept,
        losses,
      });
    }
    // A server accepts what was made: what it would do first is done here.
    const { tier } = newMetadata({ facts, kept, seed });
    await store.flush();
    const recovered = await ColdTier.recover(store, tier, { seed, compression: true });
    await recovered.close();
    if (quarantine.pieces > 0) {
      const file = join(directory.folder, QUARANTINE_FILE);
      await quarantine.moveTo(file);
      console.print(`${plural(quarantine.pieces, "record")} put into ${asBytes(file)}`);
    }
    const backups = await install({
      files,
      directory,
      tierPath: records === 0 ? undefined : path,
      newBase,
      tail,
      keepsBackup: this.#request.keepsBackup,
    });
    this.#result.isRepaired = true;
    this.#result.backups = backups;
    for (const [what, name] of Object.entries(backups))
      console.print(
        `The old ${what} is kept as ${asBytes(String(name).slice(dirname(directory.folder).length + 1))}`,
      );
    console.printGood("Successfully repaired the cold tier");
  }
}

/** The text of an error that tells of the directory, and not of a mistake of ours. */
function textOf(error: unknown): string | undefined {
  const kinds = [StorageError, LoadError, ManifestError, RdbError];
  const isAboutData = isSystemError(error) || kinds.some((kind) => error instanceof kind);
  return isAboutData ? asBytes(namedErrorText(error)) : undefined;
}

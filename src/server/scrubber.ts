/**
 * Looks for damage before somebody needs what is damaged: reads the cold tier's tables, all cold records and the files
 * of the append-only directory again and again, slowly, and verifies their checksums. What it finds is told in the log
 * (once), in INFO and in the quarantine file; it changes nothing. A damaged record is never served anyway: who
 * reads it gets an error.
 *
 * The loop is not held: small parts, with turns in between, and no more in a second than the configuration allows.
 */
import { join } from "node:path";
import { Crc64 } from "../base/crc64.ts";
import type { FileHandle } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import { damageText } from "../cold/level/table-file.ts";
import { verifyTables } from "../cold/level/tables.ts";
import type { DamagedRecord } from "../cold/tier.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { detectFormat } from "../persistence/aof/format.ts";
import type { IncrFile } from "../persistence/aof/manifest.ts";
import { AofVerifier } from "../persistence/aof/verifier.ts";
import {
  appendToQuarantine,
  QUARANTINE_FILE,
  type Quarantined,
  quarantineLine,
} from "../persistence/quarantine.ts";
import type { Server } from "./server.ts";
import { nextTurn } from "./turn-end.ts";

const PART_BYTES = 64 * 1024;
/** Records come in larger parts, since each is read by a cursor of its own, and what a cursor read last stays in memory
 * until the garbage collector finds it. */
const RECORDS_PART_BYTES = 1024 * 1024;
/** A round begins no sooner than this after the one before began: little data need not be read all the time. */
const ROUND_EVERY_MS = 3_600_000;
/** And after a round that was cut off. */
const RETRY_AFTER_MS = 60_000;
/** Reading that was put off because the loop was busy is made up for, up to this much time. */
const MOST_SAVED_MS = 1000;
const CHECKSUM_BYTES = 8;
/** So many damages are remembered, lest one be told with every round. */
const REMEMBERED_MAX = 10_000;

/** A stretch of work is done: that number of bytes was read. */
type Scrubbing = AsyncGenerator<number, void, undefined>;

export class Scrubber {
  /** For INFO, all since the start of the process. */
  rounds = 0;
  bytesRead = 0;
  recordsDamaged = 0;
  filesDamaged = 0;
  private readonly server: Server;
  private round: Scrubbing | undefined;
  private nextRoundMs = 0;
  private lastTickMs: number | undefined;
  private allowedBytes = 0;
  private isWorking = false;
  private readonly known = new Set<string>();

  constructor(server: Server) {
    this.server = server;
  }

  /** Called by the clockwork: reads on, if it is time and nothing is being read. */
  tick(): void {
    const { clock, config, isLoading, isStopping } = this.server;
    const rate = config.values["scrub-bytes-per-second"];
    const nowMs = clock.monotonicMs();
    const elapsedMs = nowMs - (this.lastTickMs ?? nowMs);
    this.lastTickMs = nowMs;
    if (rate === 0 || isLoading || isStopping) return;
    const saved = this.allowedBytes + (rate * elapsedMs) / 1000;
    this.allowedBytes = Math.min(saved, Math.max(PART_BYTES, (rate * MOST_SAVED_MS) / 1000));
    if (this.isWorking || this.allowedBytes <= 0) return;
    if (this.round === undefined) {
      if (nowMs < this.nextRoundMs) return;
      this.nextRoundMs = nowMs + ROUND_EVERY_MS;
      this.round = this.newRound();
    }
    this.isWorking = true;
    void this.work(this.round).finally(() => {
      this.isWorking = false;
    });
  }

  private async work(round: Scrubbing): Promise<void> {
    try {
      while (this.allowedBytes > 0 && !this.server.isStopping) {
        const { done, value } = await round.next();
        if (done === true) {
          this.round = undefined;
          this.rounds++;
          return;
        }
        this.allowedBytes -= value;
        this.bytesRead += value;
        await nextTurn();
      }
    } catch (error) {
      // Files come and go with rewrites, and a disk that cannot be read now says nothing about what is on it.
      this.round = undefined;
      this.nextRoundMs = this.server.clock.monotonicMs() + RETRY_AFTER_MS;
      if (!this.server.isStopping)
        this.server.world.log.warning(`Scrubbing was cut off, it begins anew later: ${errorText(error)}`);
    }
  }

  private async *newRound(): Scrubbing {
    // LevelDB may end the process where a table is damaged: records are left alone then.
    if (yield* this.tables()) yield* this.records();
    const files = this.server.aof.files;
    if (files === undefined) return;
    const { base, incr } = files.directory.manifest;
    if (base !== undefined) yield* this.file(base.name, (file) => this.baseFile(base.name, file));
    for (const each of incr) yield* this.file(each.name, (file) => this.incrFile(each, file));
  }

  /** LevelDB's files, without LevelDB. Whether they are whole. */
  private async *tables(): AsyncGenerator<number, boolean, undefined> {
    const { config, tier, tierFolder, world } = this.server;
    if (tier === undefined) return true;
    const folder = join(config.values.dir, tierFolder);
    let isWhole = true;
    for await (const { bytes, damage, file } of verifyTables(world.files, folder, "all", nextTurn)) {
      if (damage !== undefined) {
        isWhole = false;
        await this.fileIsDamaged("table of the cold tier", file, damage.offset, damageText(damage));
      }
      yield bytes;
    }
    return isWhole;
  }

  private async *records(): Scrubbing {
    const { keyspace, tier } = this.server;
    if (tier === undefined) return;
    for (let index = 0; index < keyspace.databases.length; index++) {
      const { namespace } = keyspace.databases[index];
      let next: Buffer | undefined;
      do {
        // A flush gives the database another namespace: then the rest of this one is nobody's business.
        if (keyspace.databases[index].namespace !== namespace || tier.recordCount(namespace) === 0) break;
        const part = await tier.scrub(namespace, next, RECORDS_PART_BYTES, nextTurn);
        next = part.next;
        for (const damaged of part.damaged) await this.recordIsDamaged(index, namespace, damaged);
        yield part.bytes;
      } while (next !== undefined);
    }
  }

  private async *file(name: string, scrub: (file: FileHandle) => Scrubbing): Scrubbing {
    const { files } = this.server.world;
    const path = this.server.aof.files?.directory.pathOf(name);
    // A rewrite may have replaced it.
    if (path === undefined || (await files.stat(path)) === undefined) return;
    const file = await files.open(path, "read");
    try {
      yield* scrub(file);
    } finally {
      await file.close();
    }
  }

  /** Its checksum is that of all of it. */
  private async *baseFile(name: string, file: FileHandle): Scrubbing {
    const end = (await file.size()) - CHECKSUM_BYTES;
    const buffer = Buffer.allocUnsafe(PART_BYTES);
    const checksum = new Crc64();
    for (let position = 0; position < end; ) {
      const wanted = Math.min(buffer.length, end - position);
      const length = await file.read(buffer.subarray(0, wanted), position);
      if (position === 0 && detectFormat(buffer.subarray(0, length)) !== "rdb") {
        yield* this.blocks(name, file, undefined, false);
        return;
      }
      if (length === 0) break;
      checksum.update(buffer, 0, length);
      position += length;
      yield length;
    }
    const stored = buffer.subarray(0, CHECKSUM_BYTES);
    if (end < 0 || (await file.read(stored, end)) < CHECKSUM_BYTES) return;
    // Zero: none was made. And commands may follow in a file of an older Redis.
    if (stored.every((byte) => byte === 0) || !name.endsWith(".rdb")) return;
    if (stored.equals(checksum.digest())) return;
    await this.fileIsDamaged("base file", name, 0, "its checksum does not match");
  }

  private async *incrFile({ end, name, sequence }: IncrFile, file: FileHandle): Scrubbing {
    const writer = this.server.aof.files?.writer;
    if (writer === undefined) return;
    // What is written now may be half there.
    const isCurrent = writer.current.sequence === sequence;
    yield* this.blocks(name, file, isCurrent ? writer.current.end : end, isCurrent);
  }

  private async *blocks(
    name: string,
    file: FileHandle,
    end: number | undefined,
    isCurrent: boolean,
  ): Scrubbing {
    const options = { name, chunkBytes: PART_BYTES, ...(end === undefined ? {} : { end }) };
    const verifier = await AofVerifier.open(file, options);
    for (let position = 0; ; ) {
      const extent = await verifier.advance();
      yield verifier.position - position;
      position = verifier.position;
      if (extent === undefined) break;
    }
    const { outcome } = verifier;
    // Whether what is wrong can come of a power cut does not matter: there was none. A file that is not written any
    // more may end in filling.
    const isWhole = outcome?.kind === "clean" || (outcome?.kind === "truncated" && !isCurrent);
    if (outcome === undefined || isWhole) return;
    const { problem, validUpTo } = outcome;
    await this.fileIsDamaged("append-only file", name, problem?.offset ?? validUpTo, problem?.reason ?? "");
  }

  private async recordIsDamaged(db: number, namespace: number, damaged: DamagedRecord): Promise<void> {
    const { key, reason, recordKey, value } = damaged;
    if (!this.isNew(recordKey.toString("latin1"))) return;
    this.recordsDamaged++;
    this.server.world.log.warning(`Scrubbing found damage in the cold tier, database ${db}: ${reason}`);
    await this.keep({
      what: "cold record",
      reason,
      db,
      namespace,
      recordKey,
      ...(key === undefined ? {} : { key }),
      ...(value === undefined ? {} : { value }),
    });
  }

  private async fileIsDamaged(
    what: "append-only file" | "base file" | "table of the cold tier",
    name: string,
    offset: number,
    reason: string,
  ): Promise<void> {
    if (!this.isNew(`${name} ${offset}`)) return;
    this.filesDamaged++;
    const advice =
      what === "table of the cold tier"
        ? "LevelDB may miss keys in it, or end the process: stop the server, make a backup, and see what tsredis-check-tier can save"
        : "The data in memory is whole: BGREWRITEAOF writes new files";
    this.server.world.log.warning(
      `Scrubbing found the ${what} ${name} damaged at offset ${offset}: ${reason}. ${advice}`,
    );
    await this.keep({ what, reason, file: name, offset });
  }

  private isNew(name: string): boolean {
    if (this.known.has(name) || this.known.size >= REMEMBERED_MAX) return false;
    this.known.add(name);
    return true;
  }

  private async keep(piece: Quarantined): Promise<void> {
    const { clock, config, world } = this.server;
    const path = join(config.values.dir, QUARANTINE_FILE);
    try {
      await appendToQuarantine(world.files, path, quarantineLine(piece, clock.nowMs));
    } catch (error) {
      if (!(error instanceof StorageError) && !(error instanceof Error && "code" in error)) throw error;
      world.log.warning(`Could not write to ${path}: ${errorText(error)}`);
    }
  }
}

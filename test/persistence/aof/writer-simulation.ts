/**
 * Several lives of an append-only file on a simulated disk, by seed: the writer gets numbered commands at random, with
 * cuts, changes of the policy, failing and full disks, until the process is killed or the power cut, at any call. After
 * each life the real reader must find the numbers 1..n without gap, and n must be large enough. Between two lives stock
 * Redis may have written on: that must stay, too.
 */
import assert from "node:assert/strict";
import { ManualClock } from "../../../src/base/clock.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import type { AofWriter, FsyncPolicy } from "../../../src/persistence/aof/writer.ts";
import { Request } from "../../../src/protocol/request.ts";
import {
  type FoundCommand,
  type FoundDirectory,
  openWriter,
  readDirectory,
} from "../../support/aof-files.ts";
import { SimulatedDisk } from "../../support/simulated-files.ts";
import type { Fault } from "../../support/simulated-process.ts";
import { command } from "./aof-files.ts";

/** "changing" goes from one policy to another at random. */
export type LogPolicy = FsyncPolicy | "changing";

const POLICIES: readonly FsyncPolicy[] = ["always", "everysec", "no"];
const LIVES = 3;
const MAX_STEPS = 60;

interface Sent {
  /** Number of the last command that is part of the same group. */
  readonly groupEnd: number;
  /** Position of the writer behind it. */
  readonly position: number;
}

/** What one life did. */
interface Life {
  readonly base: number;
  readonly sent: Sent[];
  /** Completed cuts: the last command before, and the first file after. */
  readonly cuts: { readonly before: number; readonly firstIncr: number }[];
  isCutting: boolean;
  /** The process has ended: what is left of its work must not go on. */
  isOver: boolean;
  /** The highest gate and synced positions that the server has seen. */
  released: number;
  synced: number;
}

class Run {
  readonly random: SeededRandom;
  readonly disk: SimulatedDisk;
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly policy: LogPolicy;
  isFaulty = false;
  /** The last command sent, or found. */
  last = 0;
  /** The last command that no power cut can take any more. */
  durable = 0;
  earlyWaits = 0;

  constructor(seed: number, policy: LogPolicy) {
    this.random = new SeededRandom(seed, 77);
    const sectorSizeBytes = this.random.below(2) === 0 ? 512 : 64;
    this.disk = new SimulatedDisk({ seed, sectorSizeBytes, isQuick: this.chance(2) });
    this.policy = policy;
  }

  anyPolicy(): FsyncPolicy {
    return this.policy === "changing" ? POLICIES[this.random.below(3)] : this.policy;
  }

  chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  isOver(life: Life): boolean {
    return life.isOver || this.disk.process.isStopped;
  }

  /** Orders faults for the life to come. With "no" a failed datasync may lose what the policy never promised, in the
   * middle too, so there the datasync does not fail. */
  arrangeFaults(): void {
    this.disk.process.fault = undefined;
    this.isFaulty = this.chance(2);
    if (this.isFaulty) {
      const oneIn = 4 + this.random.below(40);
      const codes: Fault[] = ["EIO", "ENOSPC", "short"];
      this.disk.process.fault = ({ op }) => {
        if (!this.isFaulty || !this.chance(oneIn)) return undefined;
        const code = codes[this.random.below(codes.length)];
        if (op === "write") return code;
        if (code === "short" || (op === "datasync" && (this.policy === "no" || this.policy === "changing")))
          return undefined;
        return code;
      };
    }
    if (this.chance(2)) this.disk.process.stopAtCall(5 + this.random.below(150));
  }

  append(writer: AofWriter, life: Life): void {
    const { encoder } = writer;
    const count = this.chance(4) ? 2 + this.random.below(4) : 1;
    const groupEnd = this.last + count;
    if (count > 1) encoder.beginGroup();
    for (let i = 0; i < count; i++) {
      const number = ++this.last;
      const db = this.random.below(3);
      encoder.select(db);
      const value = "x".repeat(this.random.below(this.chance(20) ? 5000 : 60));
      if (this.chance(2)) encoder.command(Request.of("SET", String(number), String(db), value));
      else {
        encoder.begin(4);
        encoder.argumentText("SET");
        encoder.argumentInteger(number);
        encoder.argumentInteger(db);
        encoder.argumentRange(Buffer.from(`..${value}..`), 2, value.length);
      }
    }
    if (count > 1) encoder.endGroup();
    for (let i = 0; i < count; i++) life.sent.push({ groupEnd, position: writer.appended });
  }

  cut(writer: AofWriter, life: Life): void {
    const before = this.last;
    life.isCutting = true;
    writer
      .cut()
      .then(
        (firstIncr) => life.cuts.push({ before, firstIncr }),
        () => undefined,
      )
      .finally(() => {
        life.isCutting = false;
      });
  }

  /** Each step of it may meet a cut, a failure or the end. */
  prepareCut(writer: AofWriter): void {
    writer.prepareCut().catch(() => undefined);
  }

  /** As WAITAOF does. A failed wait is no matter here; one that ends too early is. */
  wait(writer: AofWriter): void {
    const position = writer.appended;
    writer.waitForSync(position).then(
      () => {
        if (writer.synced < position) this.earlyWaits++;
      },
      () => undefined,
    );
  }

  async live(life: Life, writer: AofWriter): Promise<void> {
    const steps = 1 + this.random.below(MAX_STEPS);
    for (let step = 0; step < steps && !this.isOver(life); step++) {
      const turns = this.random.below(4);
      for (let i = this.random.below(4); i > 0; i--) this.append(writer, life);
      if (this.chance(12)) this.prepareCut(writer);
      if (!life.isCutting && this.chance(8)) this.cut(writer, life);
      else writer.kick();
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      if (this.isOver(life)) return;
      if (this.chance(3)) {
        this.clock.advance(this.random.below(900));
        writer.cron();
      }
      if (this.chance(10)) this.wait(writer);
      if (this.policy === "changing" && this.chance(6)) writer.policy = this.anyPolicy();
      if (this.chance(25)) this.disk.capacityBytes = this.disk.usedBytes + this.random.below(300);
      if (this.chance(10)) this.disk.capacityBytes = Number.POSITIVE_INFINITY;
      if (writer.synced > writer.written || writer.written > writer.appended)
        throw new Error("positions disagree");
    }
  }

  /** The disk is well again: all must get there by itself. */
  async heal(life: Life, writer: AofWriter): Promise<void> {
    this.isFaulty = false;
    this.disk.capacityBytes = Number.POSITIVE_INFINITY;
    for (
      let turn = 0;
      turn < 2000 && (writer.failure !== undefined || writer.synced < writer.appended);
      turn++
    ) {
      if (
        this.isOver(life) ||
        (writer.policy === "no" && writer.failure === undefined && writer.written === writer.appended)
      )
        return;
      this.clock.advance(1100);
      writer.cron();
      await nextTurn();
    }
    if (this.isOver(life)) return;
    assert.equal(writer.failure, undefined);
    assert.equal(writer.written, writer.appended);
    if (writer.policy !== "no") assert.equal(writer.synced, writer.appended);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Commands of this life that end at or before a position. */
function countUpTo(life: Life, position: number): number {
  return life.base + life.sent.filter((sent) => sent.position <= position).length;
}

function checkCommands(commands: readonly FoundCommand[]): void {
  commands.forEach(({ text, db }, i) => {
    // Plain comparisons: this runs a million times.
    const isRight = text[0] === "SET" && text[1] === String(i + 1) && text[2] === String(db);
    if (!isRight)
      throw new Error(`expected command ${i + 1}, found ${text.slice(0, 3).join(" ")} in database ${db}`);
  });
}

/** What stock Redis does with what a power cut has left, where it can load it whole: writes on, and syncs. */
function writeAsStock(run: Run, { directory, files }: FoundDirectory): void {
  const last = files.at(-1);
  const entry = directory.manifest.incr.at(-1);
  if (last === undefined || entry === undefined || entry.end !== undefined) return;
  if (files.some(({ outcome }) => outcome.kind !== "clean" || outcome.validUpTo < outcome.size)) return;
  const path = directory.pathOf(entry.name);
  const written = [run.disk.contents().get(path)!];
  for (let i = 1 + run.random.below(5); i > 0; i--) {
    const db = String(run.random.below(3));
    const value = "x".repeat(run.random.below(600));
    written.push(command("SELECT", db), command("SET", String(++run.last), db, value));
  }
  run.disk.place(path, Buffer.concat(written));
  run.durable = run.last;
}

async function oneLife(run: Run): Promise<void> {
  const { disk } = run;
  run.arrangeFaults();
  const life: Life = {
    base: run.last,
    sent: [],
    cuts: [],
    isCutting: false,
    isOver: false,
    released: 0,
    synced: 0,
  };
  let writer: AofWriter | undefined;
  const work = async (): Promise<void> => {
    const isArmed = run.isFaulty;
    run.isFaulty = false;
    const opened = await openWriter(disk, run.clock, run.anyPolicy(), () => {
      if (writer === undefined) return;
      life.released = Math.max(life.released, writer.gatePosition);
      life.synced = Math.max(life.synced, writer.synced);
    });
    run.isFaulty = isArmed;
    writer = opened.writer;
    await run.live(life, writer);
    if (run.isOver(life)) return;
    if (run.chance(2)) await run.heal(life, writer);
    if (!run.isOver(life) && run.chance(3)) await writer.close().catch(() => undefined);
  };
  await Promise.race([work(), disk.process.whenStopped()]);
  life.isOver = true;
  const isKill = run.chance(2);
  if (isKill) disk.kill();
  else disk.crash();
  // What was answered before the end goes on for one more step: while the process is dead, not in the next one's name.
  await nextTurn();
  disk.restart();
  disk.process.fault = undefined;
  disk.capacityBytes = Number.POSITIVE_INFINITY;

  const directory = await readDirectory(disk);
  const { commands } = directory;
  checkCommands(commands);
  const found = commands.length;
  assert.ok(found <= run.last, `found ${found} of ${run.last} commands`);
  // What a killed process left unsynced is safe from when the next one has opened it.
  if (writer !== undefined) run.durable = countUpTo(life, life.synced);
  assert.ok(found >= run.durable, `found ${found} commands, ${run.durable} were durable`);
  if (isKill) {
    const answered = countUpTo(life, life.released);
    assert.ok(found >= answered, `found ${found} commands, ${answered} were answered`);
  }
  for (const { before, firstIncr } of life.cuts) {
    const first = commands.findIndex((command) => command.file >= firstIncr);
    assert.equal(first, found > before ? before : -1, `the first command of file ${firstIncr}`);
  }
  if (found > life.base) assert.equal(life.sent[found - life.base - 1].groupEnd, found, "a group is whole");
  run.last = found;
  if (!isKill && run.chance(3)) writeAsStock(run, directory);
}

/** One run: several lives of a log. Rejects on the first thing that is not as it must be. */
export async function runLog(seed: number, policy: LogPolicy): Promise<void> {
  const run = new Run(seed, policy);
  await run.disk.mkdir("/data");
  await run.disk.syncDirectory("/");
  for (let life = 0; life < LIVES; life++) await oneLife(run);
  assert.equal(run.earlyWaits, 0);
}

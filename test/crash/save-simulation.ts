/**
 * Several lives of a server without an append-only file, on a simulated disk, by seed: clients send random commands,
 * SAVE and BGSAVE among them, while the process is stopped in the middle of any call, killed, or the power is cut, with
 * or without a disk that fails. What it holds at the cut of each snapshot is noted.
 *
 * Checked after each save: the dump holds what was there at the cut. Checked at each start: what was loaded is what was
 * held at one of the cuts, that of the last save that was reported to have succeeded or a later one.
 */
import { SeededRandom } from "../../src/base/random.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { SnapshotReceiver } from "../../src/keyspace/snapshot.ts";
import type { Server } from "../../src/server/server.ts";
import { startServer } from "../../src/server/start.ts";
import type { Fault } from "../support/simulated-process.ts";
import { CommandGenerator } from "./generator.ts";
import { SilentClient } from "./silent-client.ts";
import { configOf, FOLDER, SimulatedWorld, STARTED_MS } from "./simulated-world.ts";
import { TickingClock } from "./ticking-clock.ts";
import { contentsOf, contentsOfDump, expectSame, type HeldKey, linesAt } from "./whole-contents.ts";

const LIVES = 4;
const MAX_STEPS = 80;
const FLUSH_ONE_IN = 600;
const DATABASES = 3;
/** Turns in which a save that nothing hinders must end. */
const PATIENCE_TURNS = 5000;

/** What a run has met, so that a test can tell that it tested something. */
export interface SaveTally {
  saved: number;
  failed: number;
  stopped: number;
  /** Saves during which values were spilled or dropped, and those with cold keys in them. */
  savedWhileSpilling: number;
  savedColdKeys: number;
  /** Saves with commands executed between their cut and their end. */
  savedUnderWrites: number;
  midCall: number;
  powerCuts: number;
  refusedWrites: number;
  loadedKeys: number;
}

export function newSaveTally(): SaveTally {
  return {
    saved: 0,
    failed: 0,
    stopped: 0,
    savedWhileSpilling: 0,
    savedColdKeys: 0,
    savedUnderWrites: 0,
    midCall: 0,
    powerCuts: 0,
    refusedWrites: 0,
    loadedKeys: 0,
  };
}

/** All names that the generator uses. */
const NAMES: readonly Buffer[] = [
  ...Array.from({ length: 6 }, (_, i) => `counter:${i}`),
  ...Array.from({ length: 40 }, (_, i) => `key:${i}`),
  ...Array.from({ length: 3 }, (_, i) => `long:${i}`.padEnd(1100, ".")),
  ...["list", "set", "hash", "sorted"].flatMap((type) => Array.from({ length: 4 }, (_, i) => `${type}:${i}`)),
].map((name) => Buffer.from(name));

interface Cut {
  readonly keys: readonly HeldKey[];
  readonly commands: number;
  readonly spilled: number;
  readonly coldKeys: number;
}

export class SaveSimulation {
  readonly world: SimulatedWorld;
  private readonly tally: SaveTally;
  private readonly random: SeededRandom;
  private readonly generator: CommandGenerator;
  private nowMs = STARTED_MS;
  /** What may be found at the next start; the first is that of the last save known to have succeeded. */
  private cuts: Cut[] = [{ keys: [], commands: 0, spilled: 0, coldKeys: 0 }];
  private server: Server | undefined;
  private clients: SilentClient[] = [];
  private logRead = 0;
  /** Looks at dumps that are under way. */
  private readonly checks: Promise<void>[] = [];
  private faultsHit = 0;
  private readonly emptyBytes: number;

  constructor(seed: number, tally: SaveTally = newSaveTally()) {
    this.tally = tally;
    this.random = new SeededRandom(seed, 77);
    this.world = new SimulatedWorld(seed, this.random, new TickingClock(STARTED_MS));
    this.generator = new CommandGenerator(this.random, DATABASES, FLUSH_ONE_IN);
    this.emptyBytes = new Keyspace({
      databases: DATABASES,
      clock: this.world.clock,
      random: this.random,
      hashSeed: Buffer.alloc(16),
    }).entries.allocatedBytes;
  }

  async run(): Promise<void> {
    for (let life = 1; life <= LIVES; life++) await this.live(life < LIVES);
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  private async live(mayFail: boolean): Promise<void> {
    const { process } = this.world;
    process.fault = undefined;
    this.faultsHit = 0;
    const whenStopped = process.whenStopped().then(() => "stopped" as const);
    if (mayFail && this.chance(6)) process.stopAtCall(1 + this.random.below(60));
    const started = await Promise.race([this.start(), whenStopped]);
    if (started !== "stopped") {
      if (mayFail && this.chance(2)) process.stopAtCall(process.callCount + 1 + this.random.below(300));
      const isFaulty = mayFail && this.chance(2);
      if (isFaulty) this.makeFaulty();
      const ended = await Promise.race([this.work(isFaulty), whenStopped]);
      if (ended === "stopped") this.tally.midCall++;
      this.noteEnds();
    }
    this.end();
  }

  private async start(): Promise<void> {
    this.clients = [];
    this.logRead = this.world.logged.length;
    const config = configOf({
      appendonly: "no",
      databases: String(DATABASES),
      rdbcompression: this.chance(2) ? "yes" : "no",
      "cold-tier": this.chance(4) ? "no" : "yes",
      maxmemory: this.memoryLimit(),
    });
    config.load("save", this.chance(2) ? [""] : ["1", "5"]);
    const server = await startServer(this.world.ofProcess(), config);
    this.server = server;
    server.budget.measureOverhead = () => {};
    const found = linesAt(contentsOf(server, NAMES), this.nowMs);
    // Cold values are read with calls of the process, in which it may end: then nobody has seen them all.
    if (this.world.process.isStopped) return new Promise(() => {});
    this.checkLoaded(found);
    const { snapshots } = server.keyspace;
    const start = snapshots.start.bind(snapshots);
    snapshots.start = (receiver: SnapshotReceiver) => {
      this.noteCut(server);
      start(receiver);
    };
    for (let i = 0; i < 3; i++) this.clients.push(new SilentClient(server));
  }

  private memoryLimit(): string {
    return this.chance(5) ? "0" : String(this.emptyBytes + 1000 + this.random.below(9000));
  }

  private checkLoaded(found: string): void {
    this.tally.loadedKeys += found.split("\n").length - 1;
    const index = this.cuts.findIndex(({ keys }) => linesAt(keys, this.nowMs) === found);
    if (index < 0) {
      const last = linesAt(this.cuts.at(-1)!.keys, this.nowMs);
      throw new Error(`loaded is none of ${this.cuts.length} states:\n${found}\n-- the last is\n${last}`);
    }
    // It may lie in the page cache only, and an older one on the disk.
    this.cuts = this.cuts.slice(index);
  }

  private noteCut(server: Server): void {
    // The save before this one may have ended in the same turn.
    this.noteEnds();
    const { process } = this.world;
    const { fault, life } = process;
    process.fault = undefined;
    const keys = contentsOf(server, NAMES);
    process.fault = fault;
    if (!process.isAlive(life)) return;
    this.cuts.push({
      keys,
      commands: server.dispatcher.calls.total,
      spilled: this.spilled(server),
      coldKeys: server.keyspace.databases.reduce((sum, { coldSize }) => sum + coldSize, 0),
    });
  }

  private spilled({ spiller }: Server): number {
    return spiller === undefined ? 0 : spiller.spilledEntries + spiller.droppedEntries;
  }

  /** What the log says of saves that have ended since. */
  private noteEnds(): void {
    const { logged } = this.world;
    for (; this.logRead < logged.length; this.logRead++) {
      const line = logged[this.logRead];
      if (line === "DB saved on disk") this.noteSaved();
      if (line.includes("Write error saving DB")) this.tally.failed++;
      if (line.includes("was stopped")) this.tally.stopped++;
    }
  }

  private noteSaved(): void {
    const server = this.server!;
    const cut = this.cuts.at(-1)!;
    this.tally.saved++;
    if (this.spilled(server) > cut.spilled) this.tally.savedWhileSpilling++;
    if (cut.coldKeys > 0) this.tally.savedColdKeys++;
    if (server.dispatcher.calls.total > cut.commands + 1) this.tally.savedUnderWrites++;
    const dump = this.world.disk.contents().get(`${FOLDER}/dump.rdb`)!;
    this.checks.push(contentsOfDump(dump, NAMES).then((keys) => expectSame(keys, cut.keys)));
    // Durable, name and all.
    this.cuts = [cut];
  }

  private async work(isFaulty: boolean): Promise<void> {
    const server = this.server!;
    for (let steps = 10 + this.random.below(MAX_STEPS); steps > 0; steps--) {
      this.step(server);
      for (let turns = this.random.below(5); turns > 0; turns--) await this.turn();
    }
    if (isFaulty && this.chance(2)) return;
    this.world.process.fault = undefined;
    for (let turns = 0; server.saves.isBusy; turns++) {
      if (turns > PATIENCE_TURNS) throw new Error("a save does not end");
      await this.turn();
    }
    const left = [...this.world.disk.contents().keys()].filter((path) => path.startsWith(`${FOLDER}/temp-`));
    if (this.faultsHit === 0 && left.length > 0) throw new Error(`left behind: ${left.join(" ")}`);
  }

  private async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.noteEnds();
    await Promise.all(this.checks.splice(0));
  }

  private step(server: Server): void {
    const client = this.clients[this.random.below(this.clients.length)];
    const choice = this.random.below(100);
    if (choice < 75) for (let i = this.random.below(8); i >= 0; i--) client.request(this.generator.next());
    else if (choice < 78) client.request(["BGSAVE"]);
    else if (choice < 80) client.request(["BGSAVE", "SCHEDULE"]);
    else if (choice < 82) client.request(["SAVE"]);
    else if (choice < 83) client.request(["BGSAVE"], ["FLUSHALL"]);
    else if (choice < 88) server.config.set([["maxmemory", this.memoryLimit()]]);
    else if (choice < 92) server.keyspace.freeRetired(100);
    else if (choice < 96) this.advance(1 + this.random.below(1500));
    else server.cron.run();
    if (server.saves.refusesWrites) this.tally.refusedWrites++;
  }

  private advance(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.world.clock.nowMs = this.nowMs;
  }

  private makeFaulty(): void {
    const oneIn = 5 + this.random.below(40);
    const code: Fault = (["EIO", "ENOSPC", "short"] as const)[this.random.below(3)];
    this.world.process.fault = ({ op, path }) => {
      if (path.includes("cold-tier") || !this.chance(oneIn)) return undefined;
      if (code === "short" && op !== "write") return undefined;
      this.faultsHit++;
      return code;
    };
  }

  private end(): void {
    if (this.chance(2)) {
      this.tally.powerCuts++;
      this.world.cutPower(this.chance(2));
    } else {
      this.world.kill();
    }
  }
}

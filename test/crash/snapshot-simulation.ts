/**
 * A server whose large values are changed in every way while a snapshot is midway (SAVE, BGSAVE, a rewrite), by seed.
 * Checked: the file holds exactly what there was when the snapshot began, and whoever can wait for a large value does
 * not have all of it written on the spot.
 */
import { createHash } from "node:crypto";
import { SeededRandom } from "../../src/base/random.ts";
import { imageBlocks } from "../../src/keyspace/entry-size.ts";
import type { SnapshotReceiver } from "../../src/keyspace/snapshot.ts";
import type { Server } from "../../src/server/server.ts";
import { startServer } from "../../src/server/start.ts";
import { BLOCKS_PER_STEP } from "../../src/types/packed-parts.ts";
import { LARGE_NAMES, LargeValueCommands, UNDECLARED_SCRIPT } from "./large-value-commands.ts";
import { SilentClient } from "./silent-client.ts";
import { configOf, FOLDER, SimulatedWorld, STARTED_MS } from "./simulated-world.ts";
import { TickingClock } from "./ticking-clock.ts";
import {
  contentsOf,
  contentsOfCommands,
  contentsOfDump,
  expectSame,
  type HeldKey,
} from "./whole-contents.ts";

const SNAPSHOTS = 2;
const DATABASES = 2;
const CLIENTS = 3;
const PATIENCE_TURNS = 20_000;
const BASE_NAME = /appendonlydir\/.*\.base\.(?:rdb|aof)$/;
/** Who may have a large value written on the spot: nobody knows beforehand what it will change. */
const UNDECLARED_NAME = createHash("sha1").update(UNDECLARED_SCRIPT).digest("hex");

/** What a run has met, so that a test can tell that it tested something. */
export interface SnapshotTally {
  dumps: number;
  /** Bases in the form of an RDB, and of commands. */
  rewrites: number;
  commandBases: number;
  /** Commands executed between a cut and the end of its snapshot. */
  commandsMeanwhile: number;
  /** Large values for which a client waited, and those that were written after they had left their database. */
  waitedFor: number;
  departed: number;
  /** Large values that were changed while an image of them was written. */
  imaged: number;
  /** Large values that were written on the spot, because a script had not declared them. */
  onTheSpot: number;
  expired: number;
}

export function newSnapshotTally(): SnapshotTally {
  return {
    dumps: 0,
    rewrites: 0,
    commandBases: 0,
    commandsMeanwhile: 0,
    waitedFor: 0,
    departed: 0,
    imaged: 0,
    onTheSpot: 0,
    expired: 0,
  };
}

export class SnapshotSimulation {
  readonly world: SimulatedWorld;
  private readonly tally: SnapshotTally;
  private readonly random: SeededRandom;
  private readonly commands: LargeValueCommands;
  private readonly hasTier: boolean;
  private readonly hasLog: boolean;
  private clients: SilentClient[] = [];
  private cut: readonly HeldKey[] | undefined;
  private fault: string | undefined;

  constructor(seed: number, tally: SnapshotTally = newSnapshotTally()) {
    this.tally = tally;
    this.random = new SeededRandom(seed, 55);
    this.world = new SimulatedWorld(seed, this.random, new TickingClock(STARTED_MS));
    this.commands = new LargeValueCommands(this.random, DATABASES);
    this.hasTier = this.chance(3);
    this.hasLog = this.chance(2);
  }

  async run(): Promise<void> {
    const server = await startServer(
      this.world.ofProcess(),
      configOf({
        appendonly: this.hasLog ? "yes" : "no",
        databases: String(DATABASES),
        "cold-tier": this.hasTier ? "yes" : "no",
        "stream-node-max-entries": "20",
        rdbcompression: this.chance(2) ? "yes" : "no",
        "aof-use-rdb-preamble": this.chance(3) ? "yes" : "no",
      }),
    );
    server.config.set([["save", ""]]);
    this.observe(server);
    this.clients = Array.from({ length: CLIENTS }, () => new SilentClient(server));
    for (const request of this.commands.fill()) this.clients[0].request(request);
    for (let i = 0; i < SNAPSHOTS; i++) await this.snapshot(server);
    const { entries, memory, snapshots } = server.keyspace;
    const hasFrozen = memory.blocks.frozen.count > 0 || entries.huge.frozenCount > 0;
    if (snapshots.hasDeparted || snapshots.isHastened || hasFrozen || entries.huge.imageBytes > 0)
      throw new Error("something was left of a snapshot");
    this.world.kill();
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  private observe(server: Server): void {
    const { memory, snapshots } = server.keyspace;
    const start = snapshots.start.bind(snapshots);
    snapshots.start = (receiver: SnapshotReceiver) => {
      this.cut = contentsOf(server, LARGE_NAMES, this.hasLog);
      start(receiver);
    };
    const capture = snapshots.capture.bind(snapshots);
    snapshots.capture = (database, address) => {
      if (snapshots.isAwaitedLarge(address)) {
        const blocks = imageBlocks(memory, address);
        if (blocks <= BLOCKS_PER_STEP) this.tally.imaged++;
        else this.noteOnTheSpot(server);
      }
      capture(database, address);
    };
    const hasten = snapshots.hasten.bind(snapshots);
    snapshots.hasten = (database, address, onVisited) => {
      this.tally.waitedFor++;
      hasten(database, address, onVisited);
    };
    const takeOver = snapshots.takeOver.bind(snapshots);
    snapshots.takeOver = (database, address) => {
      const isTaken = takeOver(database, address);
      if (isTaken) this.tally.departed++;
      return isTaken;
    };
  }

  private noteOnTheSpot({ dispatcher, spiller }: Server): void {
    const script = dispatcher.scripts.runner.running?.name ?? "";
    if (script.includes(UNDECLARED_NAME)) this.tally.onTheSpot++;
    // What is spilled is packed as a whole anyhow.
    else if (spiller?.writing !== true)
      this.fault ??= `${dispatcher.command?.fullName} (${script}) had a large value written on the spot`;
  }

  private async snapshot(server: Server): Promise<void> {
    const { dispatcher, keyspace } = server;
    await this.rest(server);
    this.cut = undefined;
    this.clients[0].request(this.hasLog ? ["BGREWRITEAOF"] : [this.chance(2) ? "BGSAVE" : "SAVE"]);
    const isBusy = () => server.saves.isBusy || server.aof.isRewriting;
    let before = -1;
    for (let turns = 0; this.cut === undefined || isBusy(); turns++) {
      if (turns > PATIENCE_TURNS) throw new Error("a snapshot does not end");
      if (this.cut !== undefined && before < 0) before = dispatcher.calls.total;
      if (keyspace.snapshots.active && this.chance(3)) this.step(server);
      if (turns % 10 === 0) server.cron.run();
      await this.turn();
    }
    this.tally.commandsMeanwhile += dispatcher.calls.total - before;
    await this.check(server);
  }

  private step(server: Server): void {
    const choice = this.random.below(20);
    const client = this.clients[this.random.below(CLIENTS)];
    if (choice < 14) client.request(...this.commands.next());
    else if (choice < 17) this.world.clock.nowMs += this.random.below(150);
    else if (choice < 18 && this.hasTier) server.config.set([["maxmemory", this.chance(2) ? "0" : "2mb"]]);
    else server.cron.run();
    this.tally.expired = Math.max(this.tally.expired, server.keyspace.expired);
  }

  private async check(server: Server): Promise<void> {
    const files = this.world.disk.contents();
    const bases = [...files.keys()].filter((path) => BASE_NAME.test(path));
    const path = this.hasLog ? bases.at(-1)! : `${FOLDER}/dump.rdb`;
    const isOk = this.hasLog ? server.aof.lastRewriteOk : server.saves.lastSaveOk;
    if (!isOk || !files.has(path)) throw new Error(`no file:\n${this.world.logged.join("\n")}`);
    const isRdb = path.endsWith(".rdb");
    const file = files.get(path)!;
    expectSame(
      await (isRdb ? contentsOfDump(file, LARGE_NAMES) : contentsOfCommands(file, LARGE_NAMES)),
      this.cut!,
    );
    if (!this.hasLog) this.tally.dumps++;
    else if (isRdb) this.tally.rewrites++;
    else this.tally.commandBases++;
  }

  /** All that was sent is executed, as far as no client waits for anything, and no old base is left. */
  private async rest(server: Server): Promise<void> {
    const parked = () => server.dispatcher.gates.waiting > 0 || server.spiller?.writing === true;
    for (let turns = 0; turns < 20 || parked(); turns++) {
      if (turns > PATIENCE_TURNS) throw new Error("the server does not come to rest");
      if (turns % 10 === 0) server.cron.run();
      await this.turn();
    }
  }

  private async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.fault !== undefined) throw new Error(this.fault);
  }
}

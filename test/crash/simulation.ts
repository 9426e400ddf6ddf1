/**
 * Several lives of a server on a simulated disk, by seed: clients send random commands while the process is stopped
 * in the middle of any call, killed, or the power is cut, with or without a disk that fails; then it is started
 * again and looked at through a client's eyes.
 *
 * Checked at each start: the data equals the model after some beginning of the history, which contains
 *   - after a mere kill: everything that was acknowledged,
 *   - after a power cut: with "always" the same; with "everysec" and "no" everything the server counted as synced,
 * and
 *     what WAITAOF answered for; and with "everysec" no more than a second is ever unsynced while the disk is well.
 * DBSIZE and SCAN agree with it, as do all values and expiries; nothing is there twice, since counters would show it.
 */
import type { ManualClock } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { FsyncPolicy } from "../../src/persistence/aof/writer.ts";
import type { Config } from "../../src/server/config/config.ts";
import type { Server } from "../../src/server/server.ts";
import { startServer } from "../../src/server/start.ts";
import type { Fault, SimulatedProcess } from "../support/simulated-process.ts";
import { examine } from "./examiner.ts";
import { CommandGenerator } from "./generator.ts";
import { Model } from "./model.ts";
import { applyEvent, type HistoryEvent, isRemoval, ObservedServer } from "./observed-server.ts";
import { type Executed, SimulatedClient } from "./simulated-client.ts";
import { configOf, SimulatedWorld, STARTED_MS } from "./simulated-world.ts";
import { newTally, type Tally } from "./tally.ts";
import { checkTier } from "./tier-check.ts";

const LIVES = 4;
const MAX_STEPS = 70;
const CLIENTS = 4;
const MAX_UNANSWERED = 30;
const POLICIES: readonly FsyncPolicy[] = ["always", "everysec", "no"];
/** Turns of the event loop after which something that must happen counts as not happening. */
const PATIENCE_TURNS = 3000;
/** The same for a whole start, which reads everything back. */
const START_PATIENCE_TURNS = 100_000;

export type Policy = FsyncPolicy | "changing";

/** The process ended. */
const STOPPED = Symbol("stopped");

export class Simulation {
  readonly world: SimulatedWorld;
  readonly tally: Tally;
  private readonly random: SeededRandom;
  private readonly process: SimulatedProcess;
  private readonly clock: ManualClock;
  private readonly policy: Policy;
  private readonly rewritesOften: boolean;
  private readonly databases: number;
  private readonly generator: CommandGenerator;
  /** What memory without any data costs. */
  private readonly emptyBytes: number;
  private nowMs = STARTED_MS;

  /** The data at the beginning of the history, and after all of it. */
  private base: Model;
  private model: Model;
  private history: HistoryEvent[] = [];
  /** Lengths of the history that must be found again after a kill, and after a power cut. */
  private acknowledged = 0;
  private durable = 0;
  private wasPowerCut = false;

  private observed: ObservedServer | undefined;
  private clients: SimulatedClient[] = [];
  private fault: string | undefined;
  private faultsHit = 0;
  private isShutDown = false;
  /** Until a shutdown stops it. */
  private hasCron = true;
  /** A failed call has made the store read-only until it is opened anew. */
  private isStoreBroken = false;

  /** @param rewritesOften whether clients keep asking for rewrites of the log */
  constructor(seed: number, policy: Policy, tally: Tally = newTally(), rewritesOften = false) {
    this.rewritesOften = rewritesOften;
    this.random = new SeededRandom(seed, 99);
    this.policy = policy;
    this.tally = tally;
    this.world = new SimulatedWorld(seed, this.random);
    this.process = this.world.process;
    this.clock = this.world.clock;
    this.databases = 2 + this.random.below(3);
    const empty = {
      databases: this.databases,
      clock: this.clock,
      random: this.random,
      hashSeed: Buffer.alloc(16),
    };
    this.emptyBytes = new Keyspace(empty).entries.allocatedBytes;
    this.base = new Model(this.databases);
    this.model = this.base.clone();
    this.generator = new CommandGenerator(this.random, this.databases);
  }

  /** Throws on the first thing that is not as it must be. */
  async run(): Promise<void> {
    for (let life = 1; life <= LIVES; life++) await this.live(life < LIVES);
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  private async live(mayFail: boolean): Promise<void> {
    this.process.fault = undefined;
    this.faultsHit = 0;
    this.isShutDown = false;
    this.isStoreBroken = false;
    this.hasCron = true;
    const isFaulty = mayFail && this.chance(2);
    if (isFaulty && this.chance(3)) this.makeFaulty();
    if (mayFail && this.chance(4)) this.process.stopAtCall(1 + this.random.below(120));
    const outcome = await this.untilStopped(this.inTime(this.start()));
    this.process.fault = undefined;
    if (outcome === STOPPED) this.tally.deadStarts++;
    else if (outcome !== undefined) {
      if (mayFail && this.chance(2))
        this.process.stopAtCall(this.process.callCount + 1 + this.random.below(400));
      if (isFaulty) this.makeFaulty();
      const ended = await this.untilStopped(this.work(outcome, isFaulty));
      if (ended === STOPPED) this.tally.midCall++;
      this.noteDurable(outcome);
      this.tallyUp(outcome);
    }
    this.checkFault();
    this.end();
  }

  /** Starts the server and finds out what data it has. Undefined if a failing disk kept it from starting. */
  private async start(): Promise<Server | undefined> {
    // Loading must not depend on the time of day.
    this.clock.nowMs = this.chance(2) ? STARTED_MS : this.nowMs;
    const { life } = this.process;
    const isAlive = () => this.process.isAlive(life);
    let server: Server;
    try {
      server = await startServer(this.world.ofProcess(), this.config());
    } catch (error) {
      if (!isAlive()) return undefined;
      if (this.faultsHit === 0)
        throw new Error(`the server did not start: ${String(error)}`, { cause: error });
      this.tally.refusedStarts++;
      return undefined;
    }
    if (!isAlive()) return undefined;
    this.process.fault = undefined;
    // Buffers and directories are much larger than these databases: only data counts.
    server.budget.measureOverhead = () => {};
    const history: HistoryEvent[] = [];
    this.observed = new ObservedServer({
      server,
      model: this.model,
      history,
      isAlive,
      onFault: this.onFault,
    });
    const found = await this.find(server, isAlive);
    this.adopt(found);
    this.history = history;
    this.observed.begin(this.model);
    return server;
  }

  private async find(server: Server, isAlive: () => boolean): Promise<Model> {
    const client = this.newClient(isAlive);
    this.observed!.connect(client);
    this.clock.nowMs = this.nowMs;
    const live = await examine(client, this.databases, this.random);
    // Before any key had expired, so that none is passed over.
    this.clock.nowMs = STARTED_MS;
    const found = await examine(client, this.databases, this.random);
    this.clock.nowMs = this.nowMs;
    for (const [index, db] of found.databases.entries()) {
      for (const [key, entry] of db) {
        if (entry.expireMs !== 0 && entry.expireMs <= this.nowMs) continue;
        if (live.databases[index].get(key)?.value !== entry.value)
          this.onFault(`${key} is not seen after its start`);
        live.databases[index].delete(key);
      }
      for (const key of live.databases[index].keys()) this.onFault(`${key} is seen, but has expired`);
      if (server.keyspace.databases[index].size !== db.size) this.onFault(`wrong size of database ${index}`);
    }
    client.hangUp();
    this.checkFault();
    return found;
  }

  /** Compares what was found with the history, and lets a new one begin there. */
  private adopt(found: Model): void {
    const required = this.wasPowerCut ? this.durable : this.acknowledged;
    const model = this.base.clone();
    let length = 0;
    let matching = -1;
    let nearest = "";
    for (;;) {
      const difference = model.difference(found);
      if (difference === undefined) matching = length;
      if (length === required) nearest = difference ?? "";
      if (length === this.history.length) break;
      applyEvent(model, this.history[length++]);
    }
    if (matching < required) {
      const end = this.wasPowerCut ? "power cut" : "kill";
      const where = matching < 0 ? "no state of the history" : `the state after ${matching}`;
      throw new Error(
        `after a ${end} the data is ${where} of ${this.history.length} changes, ${required} were promised. ` +
          `Compared with those: ${nearest}`,
      );
    }
    this.tally.lost += this.history.length - matching;
    this.base = found;
    this.model = found.clone();
    this.acknowledged = 0;
    this.durable = 0;
    this.wasPowerCut = false;
  }

  private async work(server: Server, isFaulty: boolean): Promise<void> {
    const { life } = this.process;
    this.clients = [];
    for (let i = 0; i < CLIENTS; i++) this.addClient();
    for (let steps = 10 + this.random.below(MAX_STEPS); steps > 0; steps--) {
      this.step(server);
      for (let turns = this.random.below(6); turns > 0; turns--) await this.nextTurn(life);
      this.noteDurable(server);
      this.checkFault();
      if (!isFaulty && this.chance(25)) await this.awaitSecond(server);
    }
    if (isFaulty && this.chance(2)) {
      this.process.fault = undefined;
      isFaulty = this.isStoreBroken;
    }
    if (!isFaulty && this.chance(2)) await this.comeToRest(server);
    if (!isFaulty && this.chance(3)) await this.shutDown(server);
  }

  private step(server: Server): void {
    const { random } = this;
    if (this.rewritesOften && this.chance(6)) this.clients[0].request([["BGREWRITEAOF"]]);
    const choice = random.below(100);
    if (choice < 70) this.sendSome(random.below(CLIENTS));
    else if (choice < 80) this.cron(server);
    else if (choice < 88) this.advance(1 + random.below(random.below(4) === 0 ? 1200 : 100));
    else if (choice < 91) this.clients[0].request([["BGREWRITEAOF"]]);
    else if (choice < 93) this.clients[1].request([["WAITAOF", "1", "0", "0"]]);
    else if (choice < 95) this.replaceClient(random.below(CLIENTS));
    else if (choice < 97 && this.policy === "changing")
      this.configure(server, "appendfsync", POLICIES[random.below(3)]);
    else if (choice < 99) this.configure(server, "maxmemory", String(this.memoryLimit()));
  }

  private sendSome(index: number): void {
    const client = this.clients[index];
    if (client.unanswered > MAX_UNANSWERED) return;
    const requests = Array.from({ length: 1 + this.random.below(6) }, () => this.generator.next());
    client.request(requests);
    this.tally.commands += requests.length;
  }

  private cron(server: Server): void {
    server.cron.run();
  }

  private advance(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.clock.nowMs = this.nowMs;
  }

  private configure(server: Server, name: string, value: string): void {
    server.config.set([[name, value]]);
  }

  private memoryLimit(): number {
    return this.chance(5) ? 0 : this.emptyBytes + 1000 + this.random.below(9000);
  }

  /** With "everysec", all that was appended must be on the disk two seconds later, though nothing else happens. */
  private async awaitSecond(server: Server): Promise<void> {
    const { writer } = server.aof.files!;
    if (writer.policy === "no") return;
    const target = writer.appended;
    const begunMs = this.nowMs;
    await this.until(server, () => writer.synced >= target, "synced", 100);
    // One datasync may have begun just before the bytes were written; the next follows a second later.
    if (this.nowMs - begunMs > 2500) throw new Error(`synced only after ${this.nowMs - begunMs} ms`);
  }

  /** Everything sent is answered while the disk is well; then the cold tier must be what its counters say. */
  private async comeToRest(server: Server): Promise<void> {
    await this.until(server, () => this.clients.every((client) => client.unanswered === 0), "answered", 200);
    // A rewrite may wait for a writer that tries again after a while, and then the clock must go on.
    await this.until(server, () => !server.aof.isRewriting, "done rewriting", 200);
    await checkTier(server, this.onFault);
    this.checkFault();
  }

  /** An orderly end: nothing executed may be lost, whatever the policy. One attempt may still meet a call that began
   * to fail while the disk was bad. */
  private async shutDown(server: Server): Promise<void> {
    this.tally.shutdowns++;
    const { shutdowns } = server.services;
    const { life } = this.process;
    shutdowns.onBegin = () => {
      if (this.process.isAlive(life)) this.hasCron = false;
    };
    shutdowns.onEnded = () => {
      if (this.process.isAlive(life)) this.isShutDown = true;
    };
    for (let attempt = 1; ; attempt++) {
      let failure: string | undefined;
      void shutdowns.run({ save: "default", now: false, force: false }).then((reason) => {
        failure = reason;
      });
      await this.until(server, () => this.isShutDown || failure !== undefined, "shut down", 100);
      if (failure === undefined) break;
      if (attempt === 2) throw new Error(`the shutdown failed: ${failure}`);
    }
    // A file whose closing failed counts as open for ever.
    if (this.faultsHit === 0)
      await this.until(server, () => this.world.disk.openFiles === 0, "done with all files");
    // Keys may expire until the very end; those expire again.
    const last = this.history.findLastIndex((event) => !isRemoval(event));
    this.durable = Math.max(this.durable, last + 1);
  }

  /** Throws if a start takes for ever. */
  private async inTime<T>(start: Promise<T>): Promise<T> {
    const { life } = this.process;
    let isOver = false;
    const watch = async () => {
      for (let turns = 0; !isOver; turns++) {
        if (turns > START_PATIENCE_TURNS) throw new Error(`not started within ${START_PATIENCE_TURNS} turns`);
        await this.nextTurn(life);
      }
      return start;
    };
    return Promise.race([start, watch()]).finally(() => {
      isOver = true;
    });
  }

  private async until(server: Server, isDone: () => boolean, what: string, stepMs = 0): Promise<void> {
    const { life } = this.process;
    for (let turns = 0; !isDone(); turns++) {
      if (turns > PATIENCE_TURNS) throw new Error(`not ${what} within ${PATIENCE_TURNS} turns`);
      if (turns % 10 === 0) {
        this.advance(stepMs);
        if (this.hasCron) this.cron(server);
      }
      await this.nextTurn(life);
      this.noteDurable(server);
      this.checkFault();
    }
  }

  /** Resolves in the next turn; never when the process has ended, so that nothing goes on in its name. */
  private async nextTurn(life: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.process.isAlive(life)) await new Promise(() => {});
  }

  private newClient(isAlive: () => boolean): SimulatedClient {
    return new SimulatedClient({
      random: this.random,
      isAlive,
      onReply: (executed, reply) => this.onReply(executed, reply),
      onFault: this.onFault,
    });
  }

  private addClient(): SimulatedClient {
    const { life } = this.process;
    const client = this.newClient(() => this.process.isAlive(life));
    this.observed!.connect(client);
    this.clients.push(client);
    return client;
  }

  private replaceClient(index: number): void {
    const old = this.clients[index];
    this.tally.refusals += old.refusals;
    old.hangUp();
    this.addClient();
    this.clients[index] = this.clients.pop()!;
  }

  private onReply({ args, historyLength, ownLength }: Executed, reply: string): void {
    if (!this.observed!.isKnown) return;
    // While the disk fails, reads are answered, and may show what others wrote and is not safe yet.
    const isFailing = this.observed!.server.aof.failureText !== undefined;
    const promised = isFailing ? ownLength : historyLength;
    this.acknowledged = Math.max(this.acknowledged, promised);
    if (this.observed!.server.config.values.appendfsync === "always") {
      this.durable = Math.max(this.durable, promised);
    }
    if (args[0] === "WAITAOF" && reply === "*2\r\n:1\r\n:0\r\n")
      this.durable = Math.max(this.durable, ownLength);
  }

  /** What the server counts as synced must not be lost any more. */
  private noteDurable(server: Server): void {
    const synced = server.aof.syncedPosition;
    while (this.durable < this.history.length && this.history[this.durable].position <= synced)
      this.durable++;
  }

  /** The process ends, if it has not: either it alone, or the power is cut. */
  private end(): void {
    this.world.logged.push(
      `---- ${this.history.length} changes, ${this.acknowledged} acknowledged, ${this.durable} durable`,
    );
    this.tally.events += this.history.length;
    if (this.chance(2)) {
      this.tally.powerCuts++;
      this.wasPowerCut = true;
      this.world.cutPower(this.chance(2));
    } else {
      this.tally.kills++;
      this.world.kill();
    }
  }

  private tallyUp(server: Server): void {
    for (const client of this.clients) this.tally.refusals += client.refusals;
    this.tally.rewrites += server.aof.rewrites;
    this.tally.spilled += server.spiller?.spilledEntries ?? 0;
    this.tally.warmed += server.warmer?.found ?? 0;
    this.tally.replacedUnread += server.warmer?.replacedUnread ?? 0;
  }

  private async untilStopped<T>(work: Promise<T>): Promise<T | typeof STOPPED> {
    return Promise.race([work, this.process.whenStopped().then((): typeof STOPPED => STOPPED)]);
  }

  /** Some calls fail from now on. With "no" a failed datasync may lose what the policy never promised, in the middle
   * too, so there it does not fail. */
  private makeFaulty(): void {
    const oneIn = 5 + this.random.below(60);
    const codes: readonly Fault[] = [["EIO"], ["ENOSPC"], ["ENOSPC", "EIO", "short"]][
      this.random.below(3)
    ] as Fault[];
    const sparesStore = this.chance(2);
    const mayFailSync = this.policy === "always" || this.policy === "everysec";
    this.process.fault = ({ op, path }) => {
      const isStore = path.includes("cold-tier");
      if (isStore && sparesStore) return undefined;
      if (op === "datasync" && !mayFailSync) return undefined;
      if (!this.chance(oneIn)) return undefined;
      const code = codes[this.random.below(codes.length)];
      if (code === "short" && op !== "write") return undefined;
      this.faultsHit++;
      if (isStore && code === "EIO") this.isStoreBroken = true;
      return code;
    };
  }

  private readonly onFault = (text: string): void => {
    this.fault ??= text;
  };

  private checkFault(): void {
    if (this.fault !== undefined) throw new Error(this.fault);
  }

  private config(): Config {
    const policy = this.policy === "changing" ? POLICIES[this.random.below(3)] : this.policy;
    return configOf({
      databases: String(this.databases),
      appendfsync: policy,
      maxmemory: String(this.memoryLimit()),
      "auto-aof-rewrite-min-size": this.chance(2) ? "4000" : "1gb",
      "aof-timestamp-enabled": this.chance(2) ? "yes" : "no",
      "aof-use-rdb-preamble": this.chance(3) ? "no" : "yes",
    });
  }
}

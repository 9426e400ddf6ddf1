/**
 * Several lives of an append-only directory on a simulated disk, by seed: files are added and given up, bases are
 * replaced, an old single file is taken in, while calls fail, the process is killed, or the power is cut, at any call.
 *
 * After each life the manifest must be readable, name only files that are there, and be that of the last step that
 * was reported to have succeeded, or of a later one that was begun: the base whole, none of the incr files missing that
 * were listed since.
 */
import assert from "node:assert/strict";
import { SeededRandom } from "../../../src/base/random.ts";
import {
  type AofDirectory,
  NOTHING_UNCLOSED,
  type OpenIncr,
} from "../../../src/persistence/aof/directory.ts";
import { BLOCKS_HEADER } from "../../../src/persistence/aof/format.ts";
import { openDirectory } from "../../support/aof-files.ts";
import { SimulatedDisk } from "../../support/simulated-files.ts";
import type { Fault } from "../../support/simulated-process.ts";

const LIVES = 5;
const MAX_STEPS = 14;
const FOLDER = "/data/appendonlydir";
const OLD_FILE = "*1\r\n$4\r\nPING\r\n";

/** A state of the manifest, as far as it is promised. */
interface State {
  /** Text of the base; undefined if there is none. */
  readonly base: string | undefined;
  readonly incr: readonly string[];
}

export class DirectorySimulation {
  private readonly random: SeededRandom;
  private readonly disk: SimulatedDisk;
  /** What may be found: the first is what was promised last, the others were begun after it. */
  private states: State[] = [{ base: undefined, incr: [] }];
  private bases = 0;
  private directory!: AofDirectory;

  constructor(seed: number) {
    this.random = new SeededRandom(seed, 31);
    this.disk = new SimulatedDisk({ seed, sectorSizeBytes: this.chance(2) ? 512 : 64 });
  }

  async run(): Promise<void> {
    const { disk } = this;
    await disk.mkdir("/data");
    await disk.syncDirectory("/");
    if (this.chance(3)) {
      disk.place("/data/appendonly.aof", Buffer.from(OLD_FILE));
      this.states = [{ base: OLD_FILE, incr: [] }];
    }
    for (let life = 0; life < LIVES; life++) await this.live();
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  private async live(): Promise<void> {
    const { process } = this.disk;
    if (this.chance(2)) process.stopAtCall(1 + this.random.below(120));
    if (this.chance(2)) this.makeFaulty();
    await Promise.race([this.work(), process.whenStopped()]);
    if (this.chance(2)) this.disk.kill();
    else this.disk.crash();
    await new Promise((resolve) => setImmediate(resolve));
    this.disk.restart();
    process.fault = undefined;
    await this.check();
  }

  private makeFaulty(): void {
    const oneIn = 4 + this.random.below(30);
    const codes: readonly Fault[] = ["EIO", "ENOSPC", "short"];
    this.disk.process.fault = ({ op }) => {
      if (!this.chance(oneIn)) return undefined;
      const code = codes[this.random.below(codes.length)];
      return code === "short" && op !== "write" ? "EIO" : code;
    };
  }

  /** A life, which ends early if it cannot even begin. */
  private async work(): Promise<void> {
    const opened = await openDirectory(this.disk).catch(() => undefined);
    if (opened === undefined) return;
    this.directory = opened;
    for (let steps = this.random.below(MAX_STEPS); steps >= 0; steps--) {
      const choice = this.random.below(10);
      if (choice < 4) await this.add();
      else if (choice < 7) await this.replace();
      else if (choice < 8) await opened.removeHistory();
      else if (choice < 9) await this.discard();
      else await this.settle();
    }
  }

  /** What was promised, or has been begun since. */
  private get newest(): State {
    return this.states.at(-1)!;
  }

  /** Does a step after which the manifest has another state; if it fails, either may be found. */
  private async change(next: (state: State) => State, step: () => Promise<unknown>): Promise<boolean> {
    // A failed step before this one may be on the disk, but not in memory: this one goes on from the latter.
    this.states.push(next(this.states[0]));
    try {
      await step();
    } catch {
      return false;
    }
    this.states = [this.newest];
    return true;
  }

  private async add(): Promise<OpenIncr | undefined> {
    const incr = await this.directory.createIncr().catch(() => undefined);
    if (incr === undefined) return undefined;
    const isListed = await this.change(
      (state) => ({ ...state, incr: [...state.incr, incr.name] }),
      () => this.directory.listIncr(incr),
    );
    await incr.handle.close().catch(() => undefined);
    return isListed ? incr : undefined;
  }

  private async discard(): Promise<void> {
    const incr = await this.directory.createIncr().catch(() => undefined);
    if (incr !== undefined) await this.directory.discardIncr(incr);
  }

  /** A cut, and a new base. */
  private async replace(): Promise<void> {
    const incr = await this.add();
    if (incr === undefined) return;
    const text = `base ${++this.bases}`.padEnd(40 + this.random.below(700), ".");
    const path = `${FOLDER}/temp-rewriteaof-bg-1.aof`;
    try {
      const file = await this.disk.open(path, "create");
      await file.write(Buffer.from(text), 0).then((count) => assert.equal(count, text.length));
      await file.datasync();
      await file.close();
    } catch {
      return;
    }
    await this.change(
      () => ({ base: text, incr: [incr.name] }),
      () => this.directory.replaceBase(path, "rdb", incr.sequence),
    );
  }

  /** Makes the bytes of a file durable that others follow. */
  private async settle(): Promise<void> {
    const [first] = this.directory.manifest.incr;
    if (first === undefined) return;
    const length = BLOCKS_HEADER.length;
    const tail = { validUpTo: length, verifiedUpTo: length, syncedUpTo: 0, ...NOTHING_UNCLOSED };
    await this.directory.settleIncr(first.sequence, tail).catch(() => undefined);
  }

  private async check(): Promise<void> {
    const directory = await openDirectory(this.disk);
    const { base, incr } = directory.manifest;
    const files = this.disk.contents();
    const contentOf = (name: string): string => {
      const content = files.get(`${FOLDER}/${name}`);
      assert.ok(content !== undefined, `${name} is named and not there`);
      return content.toString("latin1");
    };
    const found: State = {
      base: base === undefined ? undefined : contentOf(base.name),
      incr: incr.map(({ name }) => name),
    };
    for (const name of found.incr) assert.equal(contentOf(name), BLOCKS_HEADER.toString("latin1"), name);
    const isKnown = this.states.some((state) => JSON.stringify(state) === JSON.stringify(found));
    assert.ok(isKnown, `${JSON.stringify(found)} is none of ${JSON.stringify(this.states)}`);
    this.states = [found];
  }
}

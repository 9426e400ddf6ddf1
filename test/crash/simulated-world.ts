/**
 * The world of a server in a crash test: a disk and stores that share one process, a clock that stands still unless
 * moved, random numbers by seed, and a log that is kept.
 */
import { ManualClock } from "../../src/base/clock.ts";
import type { Files } from "../../src/base/files.ts";
import type { Random } from "../../src/base/random.ts";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { Config } from "../../src/server/config/config.ts";
import type { SettingName } from "../../src/server/config/settings.ts";
import type { World } from "../../src/server/server.ts";
import { SimulatedDisk } from "../support/simulated-files.ts";
import { SimulatedProcess } from "../support/simulated-process.ts";
import { SimulatedStoreDisk } from "../support/simulated-store.ts";

/** The data directory. */
export const FOLDER = "/data";
export const STARTED_MS = 1_700_000_000_000;

export class SimulatedWorld {
  readonly process: SimulatedProcess;
  readonly disk: SimulatedDisk;
  readonly store: SimulatedStoreDisk;
  readonly clock: ManualClock;
  readonly random: Random;
  /** What the log said; warnings begin with "#". */
  readonly logged: string[] = [];

  constructor(seed: number, random: Random, clock: ManualClock = new ManualClock(STARTED_MS)) {
    this.random = random;
    this.clock = clock;
    this.process = new SimulatedProcess(seed);
    // The server counts on no less: zeros in a value, up to a sector's end, tell it that a sector is missing.
    const sectorSizeBytes = random.below(2) === 0 ? 512 : 4096;
    const isQuick = random.below(2) === 0;
    this.disk = new SimulatedDisk({ seed, process: this.process, sectorSizeBytes, isQuick });
    this.store = new SimulatedStoreDisk({ seed, process: this.process, files: this.disk });
  }

  /**
   * The world as the present process finds it. Once that has died, nothing that is left of its program can touch what
   * the next one has: a rewrite that waited for a failed batch, say, goes on when the next server is starting already.
   */
  ofProcess(): World {
    const { clock, process, random } = this;
    const { life } = process;
    const say = (text: string): void => {
      if (process.isAlive(life)) this.logged.push(text);
    };
    return {
      clock,
      random,
      files: this.filesOf(life),
      openStore: (folder) => this.openStore(life, folder),
      log: { debug: () => {}, verbose: () => {}, notice: say, warning: (text) => say(`# ${text}`) },
      // A turn, since time stands still: with a timer no run would be like another.
      sleep: () =>
        new Promise((resolve) => {
          setImmediate(() => {
            if (process.isAlive(life)) resolve();
          });
        }),
    };
  }

  /** The power is cut; of what was not synced some is lost. */
  cutPower(withHoles: boolean): void {
    this.disk.crash();
    this.store.crash({ holes: withHoles });
    this.disk.restart();
  }

  /** The process dies, the system lives on. */
  kill(): void {
    this.disk.kill();
    this.store.kill();
    this.disk.restart();
  }

  /** Removing the folder of a store removes the store. */
  private filesOf(life: number): Files {
    const files = this.disk.ofProcess();
    const removeTree = async (path: string): Promise<void> => {
      await files.removeTree(path);
      if (this.process.isAlive(life)) this.store.lose(path);
    };
    return new Proxy(files, {
      get: (target, name: keyof Files) => (name === "removeTree" ? removeTree : target[name]),
    });
  }

  private async openStore(life: number, folder: string): Promise<KeyValueStore> {
    if (!this.process.isAlive(life)) return new Promise(() => {});
    const store = await this.store.open(folder);
    return new Proxy(store, {
      get: (target, name) => this.storeMember(life, target, name as keyof KeyValueStore),
    });
  }

  /** Calls of a dead process never settle; whoever polls for a batch would do so for ever, so a batch fails instead.
   * A call that is answered at once has to return: nobody sees what is made of it. */
  private storeMember(life: number, store: KeyValueStore, name: keyof KeyValueStore): unknown {
    const member: unknown = store[name];
    if (typeof member !== "function") return member;
    const method = member.bind(store) as (...args: unknown[]) => unknown;
    if (name === "getSync") {
      return (...args: unknown[]) => {
        try {
          return method(...args);
        } catch (error) {
          if (this.process.isAlive(life)) throw error;
          return undefined;
        }
      };
    }
    if (name !== "batch") return method;
    const stopped = this.process.whenStopped();
    const failed = stopped.then(() => {
      throw new Error("the process has ended");
    });
    return (...args: unknown[]) => Promise.race([method(...args), failed]);
  }
}

/** A configuration with an append-only file in FOLDER. */
export function configOf(settings: Partial<Record<SettingName, string>>): Config {
  const config = new Config();
  const all = { dir: FOLDER, appendonly: "yes", ...settings };
  for (const [name, value] of Object.entries(all)) config.load(name as SettingName, [value]);
  return config;
}

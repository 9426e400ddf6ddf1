/**
 * The simulated LevelDB under the model of the tier: its logs lose their unsynced ends, and single unsynced batches,
 * in a power cut.
 */
import type { Random } from "../../src/base/random.ts";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { SimulatedStoreDisk } from "../support/simulated-store.ts";
import type { ModelDisk } from "./tier-model.ts";

export class SimulatedModelDisk implements ModelDisk {
  readonly #random: Random;
  readonly #disk: SimulatedStoreDisk;

  constructor(random: Random, seed: number) {
    this.#random = random;
    this.#disk = new SimulatedStoreDisk({ seed });
  }

  get isDead(): boolean {
    return this.#disk.process.isStopped;
  }

  died(): Promise<void> {
    return this.#disk.process.whenStopped();
  }

  open(): Promise<KeyValueStore> {
    if (this.#random.below(3) === 0) this.#disk.kill();
    else this.#disk.crash({ holes: this.#random.below(2) === 0 });
    this.#disk.restart();
    return this.#disk.open("tier");
  }

  dieAfter(calls: number): void {
    this.#disk.process.stopAtCall(this.#disk.process.callCount + 1 + calls);
  }

  refuseBatch(): void {
    this.#disk.failNext("batch", "ENOSPC");
  }
}

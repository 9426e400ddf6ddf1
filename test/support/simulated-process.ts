/**
 * The process whose calls to a simulated disk or store can be delayed, made to fail, or ended half-way. Disk and
 * store may share one, so that "stop at call 17" means the seventeenth call to either, and both stop together.
 *
 * Every call is performed in a later turn, some of them several turns later, and answered later still: calls made
 * together overtake each other, in an order that depends on nothing but the seed.
 *
 * A call of a process that is dead never settles, as in life: nobody is there to see the answer. A test waits for
 * `whenStopped()` beside the work it started.
 */
import { type Random, SeededRandom } from "../../src/base/random.ts";

export interface SimulatedCall {
  /** The method: "write", "datasync", "batch", ... */
  readonly op: string;
  /** The file or folder; for a rename the present name. */
  readonly path: string;
  /** Counts the calls of this process from 1; begins anew at a restart. */
  readonly index: number;
}

/**
 * What shall happen to a call instead: an error code rejects ("ENOSPC", "EIO", ...), "short" writes only a part and
 * says so, "crash" ends the process in the middle of the call.
 */
export type Fault = "ENOSPC" | "EIO" | "EDQUOT" | "EMFILE" | "EACCES" | "short" | "crash";

export type FaultRule = (call: SimulatedCall) => Fault | undefined;

/** What a call can do; each is done at one instant. */
export interface CallSteps<T> {
  /** The whole effect and its answer, or a throw. `isShort` asks to do only a part, where parts exist. */
  perform(isShort: boolean): T;
  /** What may have happened when the process ended during the call; without it, `perform` or nothing. */
  interrupt?(): void;
  /** The error of a call that fails with `code`, with what the failure leaves behind. */
  fail(code: string): Error;
}

/** An error as Node's file functions give it. */
export function systemError(code: string, op: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, ${op} '${path}'`), { code, syscall: op, path });
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

export class SimulatedProcess {
  /** Asked about every call; `undefined` lets it pass. */
  fault: FaultRule | undefined;
  readonly #random: Random;
  readonly #failNext: { op: string; code: Fault }[] = [];
  #life = 1;
  #callCount = 0;
  #stopAtCall = Number.POSITIVE_INFINITY;
  #stopped = false;
  #stopWaiters: (() => void)[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 1);
  }

  /** Calls made since the start or the last restart. */
  get callCount(): number {
    return this.#callCount;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** The next call to `op` fails with `code`; several orders are met one after the other. */
  failNext(op: string, code: Fault): void {
    this.#failNext.push({ op, code });
  }

  /** Ends the process in the middle of its call number `index` (see `SimulatedCall.index`). */
  stopAtCall(index: number): void {
    this.#stopAtCall = index;
  }

  /** Ends the process now: calls not yet performed never are. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const resolve of this.#stopWaiters.splice(0)) resolve();
  }

  /** Resolves when the process has ended. */
  whenStopped(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stopWaiters.push(resolve);
    });
  }

  /** A new process in the place of the old one, whose calls, and open files, stay dead. Orders to fail or stop are
   * forgotten; the rule stays. */
  restart(): void {
    this.stop();
    this.#life++;
    this.#stopped = false;
    this.#callCount = 0;
    this.#stopAtCall = Number.POSITIVE_INFINITY;
    this.#failNext.length = 0;
  }

  /** Identifies this process among those that a restart replaced. */
  get life(): number {
    return this.#life;
  }

  /** Makes a call, for the process that `life` names. */
  async call<T>(life: number, op: string, path: string, steps: CallSteps<T>): Promise<T> {
    if (!this.isAlive(life)) return never();
    const fault = this.#nextFault(op, path);
    await this.#delay();
    if (!this.isAlive(life)) return never();
    if (fault === "crash") {
      this.#interrupt(steps);
      return never();
    }
    let settle: () => T;
    try {
      if (fault !== undefined && fault !== "short") throw steps.fail(fault);
      const value = steps.perform(fault === "short");
      settle = () => value;
    } catch (error) {
      settle = () => {
        throw error;
      };
    }
    if (this.#random.below(4) === 0) await this.#delay();
    return this.isAlive(life) ? settle() : never();
  }

  /** Makes a call that is answered at once. A dead process throws: there is no way not to return. */
  callSync<T>(life: number, op: string, path: string, steps: CallSteps<T>): T {
    if (!this.isAlive(life)) throw systemError("ESHUTDOWN", op, path);
    const fault = this.#nextFault(op, path);
    if (fault === "crash") {
      this.#interrupt(steps);
      throw systemError("ESHUTDOWN", op, path);
    }
    if (fault !== undefined && fault !== "short") throw steps.fail(fault);
    return steps.perform(fault === "short");
  }

  isAlive(life: number): boolean {
    return !this.#stopped && life === this.#life;
  }

  #nextFault(op: string, path: string): Fault | undefined {
    const index = ++this.#callCount;
    if (index === this.#stopAtCall) return "crash";
    const order = this.#failNext.findIndex((entry) => entry.op === op);
    if (order >= 0) return this.#failNext.splice(order, 1)[0].code;
    return this.fault?.({ op, path, index });
  }

  #interrupt<T>(steps: CallSteps<T>): void {
    this.stop();
    if (steps.interrupt !== undefined) {
      steps.interrupt();
    } else if (this.#random.below(2) === 0) {
      try {
        steps.perform(false);
      } catch {
        // The call would have failed, and nobody is left to be told.
      }
    }
  }

  async #delay(): Promise<void> {
    const turns = this.#random.below(8);
    if (turns < 5) {
      for (let turn = 0; turn <= turns; turn++) await Promise.resolve();
    } else {
      for (let turn = 5; turn <= turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/**
 * The functions that a suspended script is in, with their local variables.
 *
 * lua_Debug, as far as it is read here (32-bit words): [1] name, [5] current line, [9...] short source.
 * lua_State: the saved program counter at byte 24. A hook that yields leaves it one instruction early, since that
 * will be executed again; while the thread is looked at it stands where it stood in the hook.
 */

import type { LuaState } from "../lua-module.ts";
import type { LuaVm } from "../lua-vm.ts";

const NAME_OFFSET = 4;
const LINE_OFFSET = 20;
const SHORT_SOURCE_OFFSET = 36;
const RECORD_BYTES = 128;
const PROGRAM_COUNTER_OFFSET = 24;
const INSTRUCTION_BYTES = 4;

/** One call that is not over. */
export interface StackFrame {
  readonly thread: LuaState;
  readonly level: number;
  /** What the caller called it by; undefined of what C called. */
  readonly name: string | undefined;
  /** What the code is called, as in errors. */
  readonly source: string;
  readonly line: number;
}

export class StackFrames {
  private readonly vm: LuaVm;
  private readonly recordAt: number;

  constructor(vm: LuaVm) {
    this.vm = vm;
    this.recordAt = vm.api.malloc(RECORD_BYTES);
  }

  /** Has `look` look at a thread that was suspended by its hook. */
  within<T>(thread: LuaState, look: () => T): T {
    const { module } = this.vm;
    const place = thread + PROGRAM_COUNTER_OFFSET;
    const counter = module.word(place);
    module.setWord(place, counter + INSTRUCTION_BYTES);
    try {
      return look();
    } finally {
      module.setWord(place, counter);
    }
  }

  /** The innermost first. */
  *of(thread: LuaState): Iterable<StackFrame> {
    for (let level = 0; this.read(thread, level); level++) yield this.frame(thread, level);
  }

  /** Where the hook of a running thread was called. */
  present(thread: LuaState): StackFrame | undefined {
    return this.read(thread, 0) ? this.frame(thread, 0) : undefined;
  }

  /** Calls `each` with the names of a frame's variables, the value on top of the main thread's stack: room on that of
   * a suspended thread cannot be had. Until one says that it was the last; whether one did. */
  forLocals({ thread, level }: StackFrame, each: (name: string) => boolean): boolean {
    const { vm, recordAt } = this;
    const { api, main } = vm;
    if (api.lua_getstack(thread, level, recordAt) === 0) return false;
    for (let n = 1; ; n++) {
      const name = api.lua_getlocal(thread, recordAt, n);
      if (name === 0) return false;
      api.lua_xmove(thread, main, 1);
      const isLast = each(this.text(name));
      api.lua_settop(main, -2);
      if (isLast) return true;
    }
  }

  private read(thread: LuaState, level: number): boolean {
    const { vm, recordAt } = this;
    if (vm.api.lua_getstack(thread, level, recordAt) === 0) return false;
    vm.api.lua_getinfo(thread, vm.nameAt("Snl"), recordAt);
    return true;
  }

  /** What was read. */
  private frame(thread: LuaState, level: number): StackFrame {
    const { module } = this.vm;
    const { recordAt } = this;
    const name = module.word(recordAt + NAME_OFFSET);
    return {
      thread,
      level,
      name: name === 0 ? undefined : this.text(name),
      source: this.text(recordAt + SHORT_SOURCE_OFFSET),
      line: module.word(recordAt + LINE_OFFSET) | 0,
    };
  }

  private text(address: number): string {
    const { heap } = this.vm;
    return heap.toString("latin1", address, heap.indexOf(0, address));
  }
}

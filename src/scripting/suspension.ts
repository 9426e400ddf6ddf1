/**
 * Suspends what runs in Lua, wherever it is, and has it go on later. Lua is built for that
 * (tools/build/suspendable-lua.ts): when a hook asks for it, all functions of C that are on the stack return at once,
 * and when the outermost is called again, each calls again what it had called, without doing anything else.
 *
 * Functions of JavaScript between them have to do the same: while `isLeaving`, they return at once, and `keep` what
 * they need to know later; while `isReturning`, they `take` that and make their call again, whose arguments do not
 * count.
 *
 * luaV_execute, which executes instructions, takes no part in that. In its place are `left` and `resumed`: they know of
 * each such call the frame of Lua that it is in, and finish the instruction that called what was suspended.
 *
 *     lua_State   status 6, top 8, base 12, frame 20, next instruction 24, first frame 40
 *     CallInfo    function 4, top 8; 24 bytes
 *     TValue      value 0, type 8; 16 bytes
 *     closure     whether it is one of C 6
 *     instruction bits 6 to 13 A, 14 to 22 C, 23 to 31 B; a jump has a distance in the upper 18
 */
import type { LuaModule, LuaState } from "./lua-module.ts";

const STATE = { status: 6, top: 8, base: 12, frame: 20, next: 24, firstFrame: 40 };
const FRAME = { fn: 4, top: 8, bytes: 24 };
const TYPE_OFFSET = 8;
const VALUE_BYTES = 16;
const IS_C_OFFSET = 6;
const INSTRUCTION_BYTES = 4;
const JUMP_ZERO = 131_071;
/** The type of a value that is a function. */
const FUNCTION = 6;
const YIELDED = 1;

/** Where luaV_execute was: numbers that the build gives. */
const HOOK = 0;
const GET = 1;
const SET = 2;
const ARITHMETIC = 3;
const UNARY = 4;
const CONCAT = 5;
const EQUAL = 6;
const LESS = 7;
const LESS_OR_EQUAL = 8;
const CALL = 9;
const ITERATE = 10;
/** Less or equal, found out by asking for less with the operands exchanged. */
const NOT_LESS = 11;

/** Room for what is saved of functions of C: 200 calls within each other, which is what Lua allows, take 30 KB, and ten
 * times that if each has sorted a table as large as memory. */
const BUFFER_BYTES = 512 * 1024;
const BUFFER_HEADER_BYTES = 8;

type Phase = "running" | "leaving" | "returning";

/** A call of luaV_execute that is suspended. */
interface Execution {
  readonly state: LuaState;
  /** The frame of Lua in which it is, from the first one, in bytes. */
  readonly frame: number;
  /** How many frames of Lua it has to execute until it returns. */
  readonly calls: number;
  /** C's stack, as it was when it was called. */
  readonly stack: number;
  /** What it had called. */
  readonly site: number;
}

export class Suspension {
  private readonly module: LuaModule;
  private phase: Phase = "running";
  /** The address of Asyncify's buffer. */
  private buffer = 0;
  /** Innermost first. */
  private readonly executions: Execution[] = [];
  /** What functions of JavaScript have kept, innermost first. */
  private readonly kept: number[] = [];
  /** The frames that are left to look at, of threads of which some frames have been left. */
  private readonly lastFrames = new Map<LuaState, number>();
  private resumedCalls = 0;
  /** What was suspended. */
  private call: () => number = () => 0;

  constructor(module: LuaModule) {
    this.module = module;
  }

  get isLeaving(): boolean {
    return this.phase === "leaving";
  }

  get isReturning(): boolean {
    return this.phase === "returning";
  }

  /** Takes the memory that suspending needs, before anything else does. */
  prepare(): void {
    this.buffer = this.module.api.malloc(BUFFER_BYTES);
  }

  /** Calls a function of Lua's API, which may run scripts: its result, or undefined if it was suspended. */
  begin(call: () => number): number | undefined {
    const result = call();
    if (this.phase !== "leaving") return result;
    this.module.api.asyncify_stop_unwind();
    this.phase = "running";
    this.lastFrames.clear();
    this.call = call;
    return undefined;
  }

  /** Has what was suspended go on: the result of the call, or undefined if it was suspended again. */
  resume(): number | undefined {
    this.phase = "returning";
    this.module.api.asyncify_start_rewind(this.buffer);
    return this.begin(this.call);
  }

  /** Suspends the script from within a hook, which must return at once. */
  suspendInHook(L: LuaState): void {
    // As if it yielded: the instruction is executed when it goes on.
    this.module.heap[L + STATE.status] = YIELDED;
    this.leave();
  }

  /** Suspends the script from within a function of JavaScript that Lua has called, which must return at once. When the
   * script goes on it is called again, with the same arguments, and calls `arrive` first. */
  suspendInCall(): void {
    this.leave();
  }

  /** The innermost call that was suspended is made again. */
  arrive(): void {
    this.module.api.asyncify_stop_rewind();
    this.phase = "running";
  }

  private leave(): void {
    const { buffer, module } = this;
    module.setWord(buffer, buffer + BUFFER_HEADER_BYTES);
    module.setWord(buffer + 4, buffer + BUFFER_BYTES);
    module.api.asyncify_start_unwind(buffer);
    this.phase = "leaving";
  }

  keep(value: number): void {
    this.kept.push(value);
  }

  take(): number {
    return this.kept.pop()!;
  }

  /** A call of luaV_execute returns, because what it has called is suspended. `frame` is the one it began with. */
  readonly left = (L: LuaState, calls: number, frame: number, stack: number, site: number): void => {
    const { module, executions, lastFrames } = this;
    if (site === HOOK) module.heap[L + STATE.status] = 0;
    const first = module.word(L + STATE.firstFrame);
    let present = lastFrames.get(L) ?? module.word(L + STATE.frame) - first;
    while (!this.isLua(first + present)) present -= FRAME.bytes;
    lastFrames.set(L, frame - FRAME.bytes);
    executions.push({
      state: L,
      frame: present,
      calls: calls + (present - frame) / FRAME.bytes,
      stack,
      site,
    });
  };

  /** A call of luaV_execute is to go on: the thread in which it executes, or 0 if it was suspended once more. */
  readonly resumed = (): LuaState => {
    const { api } = this.module;
    const execution = this.executions.pop()!;
    const { state, site, stack, calls } = execution;
    if (site === HOOK) {
      this.arrive();
    } else {
      const result = this.callAgain(state, site);
      if (this.isLeaving) {
        this.executions.push(execution);
        return 0;
      }
      this.finish(state, site, result);
    }
    api.stackRestore(stack);
    this.resumedCalls = calls;
    return state;
  };

  /** How many frames it then has to execute. */
  readonly calls = (): number => this.resumedCalls;

  private isLua(frame: number): boolean {
    const { module } = this;
    const fn = module.word(frame + FRAME.fn);
    return module.word(fn + TYPE_OFFSET) === FUNCTION && module.heap[module.word(fn) + IS_C_OFFSET] === 0;
  }

  private callAgain(L: LuaState, site: number): number {
    const { api } = this.module;
    switch (site) {
      case GET:
        api.luaV_gettable(0, 0, 0, 0);
        return 0;
      case SET:
        api.luaV_settable(0, 0, 0, 0);
        return 0;
      case ARITHMETIC:
        api.Arith(0, 0, 0, 0, 0);
        return 0;
      case UNARY:
        return api.call_binTM(0, 0, 0, 0, 0);
      case CONCAT:
        api.luaV_concat(0, 0, 0);
        return 0;
      case EQUAL:
        return api.luaV_equalval(0, 0, 0);
      case LESS:
        return api.luaV_lessthan(0, 0, 0);
      case CALL:
        return api.luaD_precall(L, 0, 0);
      case ITERATE:
        api.luaD_call(0, 0, 0);
        return 0;
      default:
        return api.call_orderTM(0, 0, 0, 0);
    }
  }

  /** What luaV_execute does after the call, up to the next instruction. */
  private finish(L: LuaState, site: number, result: number): void {
    const { module } = this;
    const instruction = module.word(module.word(L + STATE.next) - INSTRUCTION_BYTES);
    const a = (instruction >>> 6) & 0xff;
    const b = instruction >>> 23;
    const c = (instruction >>> 14) & 0x1ff;
    const base = module.word(L + STATE.base);
    switch (site) {
      case CONCAT:
        this.copyValue(base + a * VALUE_BYTES, base + b * VALUE_BYTES);
        return;
      case EQUAL:
      case LESS:
      case LESS_OR_EQUAL:
        this.jumpIf(L, result === a);
        return;
      case NOT_LESS:
        this.jumpIf(L, (result === 0 ? 1 : 0) === a);
        return;
      case CALL:
        // It wants a certain number of results.
        if (this.isCall(instruction) && c !== 0) this.resetTop(L);
        return;
      case ITERATE: {
        this.resetTop(L);
        const first = base + (a + 3) * VALUE_BYTES;
        const goesOn = module.word(first + TYPE_OFFSET) !== 0;
        if (goesOn) this.copyValue(first - VALUE_BYTES, first);
        this.jumpIf(L, goesOn);
        return;
      }
      default:
    }
  }

  private isCall(instruction: number): boolean {
    const OP_CALL = 28;
    return (instruction & 0x3f) === OP_CALL;
  }

  private resetTop(L: LuaState): void {
    const { module } = this;
    module.setWord(L + STATE.top, module.word(module.word(L + STATE.frame) + FRAME.top));
  }

  private copyValue(to: number, from: number): void {
    const { module } = this;
    for (let i = 0; i <= TYPE_OFFSET; i += 4) module.setWord(to + i, module.word(from + i));
  }

  /** The next instruction is a jump: it is done, or passed over. */
  private jumpIf(L: LuaState, isTrue: boolean): void {
    const { module } = this;
    let next = module.word(L + STATE.next);
    if (isTrue) next += ((module.word(next) >>> 14) - JUMP_ZERO) * INSTRUCTION_BYTES;
    module.setWord(L + STATE.next, next + INSTRUCTION_BYTES);
  }
}

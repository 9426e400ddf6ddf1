/**
 * What Lua's API does not offer, done to its structures where they lie in memory: Lua 5.1 with addresses of 32 bits.
 *
 *     lua_State   frame 20, next instruction 24, first frame 40, nested calls of C 52 (and 54: when resumed)
 *     CallInfo    base 0, function 4, top 8, next instruction 12, results 16, tail calls 20; 24 bytes
 *     closure     prototype 16
 *     Proto       code 12, prototypes 16, lines 20, names of upvalues 28; how many: upvalues 36, lines 48,
 *                 prototypes 52; stack size 75
 *     TValue      value 0, type 8 (one for all functions); 16 bytes
 */
import type { LuaState } from "./lua-module.ts";
import type { LuaVm } from "./lua-vm.ts";

const STATE = { frame: 20, instruction: 24, firstFrame: 40, nestedCalls: 52 };
const FRAME = { base: 0, fn: 4, top: 8, tailCalls: 20, bytes: 24 };
const PROTOTYPE = {
  code: 12,
  prototypes: 16,
  lines: 20,
  upvalues: 28,
  upvalueCount: 36,
  lineCount: 48,
  count: 52,
  stackSize: 75,
};
const PROTOTYPE_OF_CLOSURE = 16;
const VALUE_BYTES = 16;

/** Whether a thread is in no function that C has called: Lua 5.1 cannot yield within one. */
export function canYield({ module }: LuaVm, L: LuaState): boolean {
  const calls = module.word(L + STATE.nestedCalls);
  return (calls & 0xffff) <= calls >>> 16;
}

/** The functions that a thread is in, as addresses, outermost first. */
export function* functionsOf({ module }: LuaVm, L: LuaState): Iterable<number> {
  const last = module.word(L + STATE.frame);
  for (let frame = module.word(L + STATE.firstFrame); frame <= last; frame += FRAME.bytes) {
    yield module.word(module.word(frame + FRAME.fn));
  }
}

/** A function of Lua that stays where it is. */
export interface Closure {
  readonly address: number;
  /** Its first instruction, and how many values its frame holds. */
  readonly code: number;
  readonly stackSize: number;
}

/** The function of Lua on top of the stack. */
export function closureOnTop({ api, heap, module }: LuaVm, L: LuaState): Closure {
  const address = api.lua_topointer(L, -1);
  const prototype = module.word(address + PROTOTYPE_OF_CLOSURE);
  return {
    address,
    code: module.word(prototype + PROTOTYPE.code),
    stackSize: heap[prototype + PROTOTYPE.stackSize],
  };
}

/**
 * Turns the call of the running function of C, which Lua has made, into one of a function of Lua: with the arguments
 * that are on the stack, and with the same caller, even if that was a tail call. It takes place when the thread is
 * resumed, for which it yields: the result is what the function of C has to return.
 * @param closure the function, which is no vararg one
 * @param parameters how many it has
 */
export function becomeLua(vm: LuaVm, L: LuaState, closure: Closure, parameters: number): number {
  const { api, module } = vm;
  const { address, code, stackSize } = closure;
  api.lua_settop(L, parameters);
  api.luaL_checkstack(L, stackSize, vm.nameAt("callback"));
  api.lua_settop(L, stackSize);
  const frame = module.word(L + STATE.frame);
  module.setWord(module.word(frame + FRAME.fn), address);
  module.setWord(frame + FRAME.top, module.word(frame + FRAME.base) + stackSize * VALUE_BYTES);
  module.setWord(frame + FRAME.tailCalls, 0);
  module.setWord(L + STATE.instruction, code);
  return api.lua_yield(L, 0);
}

/** Has the function on top of the stack, and those within it, have no lines, and no names for what they take from
 * outside: errors that name a place or a function name none there, as with functions of C. */
export function forgetNames({ api, module }: LuaVm, L: LuaState): void {
  const forget = (prototype: number) => {
    const lines = module.word(prototype + PROTOTYPE.lines);
    const lineCount = module.word(prototype + PROTOTYPE.lineCount);
    for (let i = 0; i < lineCount; i++) module.setWord(lines + 4 * i, 0);
    module.setWord(prototype + PROTOTYPE.upvalues, 0);
    module.setWord(prototype + PROTOTYPE.upvalueCount, 0);
    const inner = module.word(prototype + PROTOTYPE.prototypes);
    const count = module.word(prototype + PROTOTYPE.count);
    for (let i = 0; i < count; i++) forget(module.word(inner + 4 * i));
  };
  forget(module.word(api.lua_topointer(L, -1) + PROTOTYPE_OF_CLOSURE));
}

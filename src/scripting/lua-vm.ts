/**
 * A Lua VM: one lua_State in memory of its own, and what all who work on its stack need: bytes and texts in and out,
 * errors, functions that are called by scripts.
 *
 * Strings of Lua are bytes; texts here are one byte per character. An address is valid until the value that holds it
 * leaves the stack; `heap` until the next call of the API.
 */
import { copyBytes } from "../base/byte-copy.ts";
import { type LuaApi, LuaFatalError, type LuaFunction, LuaModule, type LuaState } from "./lua-module.ts";

export const NIL = 0;
export const BOOLEAN = 1;
export const LIGHT_USERDATA = 2;
export const NUMBER = 3;
export const STRING = 4;
export const TABLE = 5;
export const FUNCTION = 6;

export const REGISTRY = -10_000;
export const GLOBALS = -10_002;

/** What lua_pcall and luaL_loadbuffer return of what went well. */
export const OK = 0;

const INITIAL_SCRATCH_BYTES = 4096;
/** A larger one is given back when it was used. */
const KEPT_SCRATCH_BYTES = 1024 * 1024;
const GC_COUNT = 3;

/** The index of upvalue `n` of the running C function. */
export function upvalue(n: number): number {
  return GLOBALS - n;
}

export class LuaVm {
  readonly module: LuaModule;
  readonly api: LuaApi;
  /** The VM itself. Scripts run in threads of it. */
  readonly main: LuaState;
  /** Where lua_tolstring writes lengths. */
  readonly lengthAt: number;
  private scratch: number;
  private scratchBytes = INITIAL_SCRATCH_BYTES;
  private readonly names = new Map<string, number>();

  /** @param limitBytes the most memory that it may take */
  constructor(limitBytes: number) {
    this.module = new LuaModule(limitBytes);
    this.api = this.module.api;
    this.lengthAt = this.api.malloc(8);
    this.scratch = this.api.malloc(INITIAL_SCRATCH_BYTES);
    this.main = this.api.luaL_newstate();
    if (this.main === 0) throw new LuaFatalError("not enough memory");
  }

  get heap(): Buffer {
    return this.module.heap;
  }

  /** Bytes that values of scripts take. */
  get usedBytes(): number {
    return this.api.lua_gc(this.main, GC_COUNT, 0) * 1024;
  }

  /** Bytes taken from the system. */
  get reservedBytes(): number {
    return this.module.heap.length;
  }

  /** Length of the string whose address lua_tolstring has just returned. */
  get length(): number {
    return this.module.word(this.lengthAt);
  }

  /** The address of a text that stays, with a zero behind it: for names of fields. */
  nameAt(text: string): number {
    let address = this.names.get(text);
    if (address === undefined) {
      address = this.api.malloc(text.length + 1);
      if (address === 0) throw new LuaFatalError("not enough memory");
      this.heap.write(text, address, "latin1");
      this.heap[address + text.length] = 0;
      this.names.set(text, address);
    }
    return address;
  }

  /** Room for `length` bytes, until the next call. */
  scratchFor(length: number): number {
    if (length <= this.scratchBytes) return this.scratch;
    const { api } = this;
    const larger = api.malloc(length);
    if (larger === 0) throw new LuaFatalError("not enough memory");
    api.free(this.scratch);
    this.scratch = larger;
    this.scratchBytes = length;
    return larger;
  }

  pushBytes(L: LuaState, source: Uint8Array, start: number, length: number): void {
    const address = this.scratchFor(length);
    copyBytes(source, start, this.module.heap, address, length);
    this.api.lua_pushlstring(L, address, length);
    if (this.scratchBytes > KEPT_SCRATCH_BYTES) this.shrinkScratch();
  }

  pushText(L: LuaState, text: string): void {
    const { length } = text;
    const address = this.scratchFor(length);
    this.module.heap.write(text, address, "latin1");
    this.api.lua_pushlstring(L, address, length);
  }

  /** The string at `index` (a number becomes one), as text; undefined if it is something else. */
  text(L: LuaState, index: number): string | undefined {
    const address = this.api.lua_tolstring(L, index, this.lengthAt);
    if (address === 0) return undefined;
    return this.module.heap.toString("latin1", address, address + this.length);
  }

  /** A copy of the string at `index`; undefined if it is none. */
  bytes(L: LuaState, index: number): Buffer | undefined {
    const address = this.api.lua_tolstring(L, index, this.lengthAt);
    if (address === 0) return undefined;
    return Buffer.from(this.module.heap.subarray(address, address + this.length));
  }

  typeName(L: LuaState, index: number): string {
    const address = this.api.lua_typename(L, this.api.lua_type(L, index));
    const { heap } = this;
    return heap.toString("latin1", address, heap.indexOf(0, address));
  }

  /** Sets a field of the table on top of the stack to the value that `push` puts there. */
  setField(L: LuaState, name: string, push: () => void): void {
    push();
    this.api.lua_setfield(L, -2, this.nameAt(name));
  }

  setFunction(L: LuaState, name: string, fn: LuaFunction): void {
    this.setField(L, name, () => this.pushFunction(L, fn));
  }

  setNumber(L: LuaState, name: string, value: number): void {
    this.setField(L, name, () => this.api.lua_pushnumber(L, value));
  }

  setText(L: LuaState, name: string, value: string): void {
    this.setField(L, name, () => this.pushText(L, value));
  }

  /** @param upvalues as many values are taken from the stack */
  pushFunction(L: LuaState, fn: LuaFunction, upvalues = 0): void {
    this.api.lua_pushcclosure(L, this.module.addFunction(fn), upvalues);
  }

  /** Takes the value on top of the stack into the registry. */
  reference(L: LuaState): number {
    return this.api.luaL_ref(L, REGISTRY);
  }

  /** Raises an error that names the place in the script. Never returns. */
  fail(L: LuaState, text: string): never {
    this.api.luaL_where(L, 1);
    this.pushText(L, text);
    this.api.lua_concat(L, 2);
    return this.raise(L);
  }

  /** Raises the value on top of the stack. Never returns. */
  raise(L: LuaState): never {
    this.api.lua_error(L);
    throw new Error("lua_error has returned");
  }

  /** "bad argument ..." Never returns. */
  failArgument(L: LuaState, argument: number, text: string): never {
    const address = this.scratchFor(text.length + 1);
    this.heap.write(`${text}\0`, address, "latin1");
    this.api.luaL_argerror(L, argument, address);
    throw new Error("luaL_argerror has returned");
  }

  /** Argument as an integer, as a C int on a 64-bit machine would hold it. */
  checkInteger(L: LuaState, argument: number): number {
    return toInteger(this.api.luaL_checknumber(L, argument));
  }

  private shrinkScratch(): void {
    this.api.free(this.scratch);
    this.scratch = this.api.malloc(INITIAL_SCRATCH_BYTES);
    this.scratchBytes = INITIAL_SCRATCH_BYTES;
    if (this.scratch === 0) throw new LuaFatalError("not enough memory");
  }
}

/** A double as C turns it into a 64-bit integer; no number becomes the least. */
export function toInteger(value: number): number {
  const integer = Math.trunc(value);
  return Math.abs(integer) < 2 ** 63 ? integer + 0 : -(2 ** 63);
}

/** The same, and what is left of that in 32 bits: a C int. */
export function toInt(value: number): number {
  return Number(BigInt.asIntN(32, BigInt(toInteger(value))));
}

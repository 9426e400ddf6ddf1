/**
 * Lua 5.1 as the package wasmoon-lua5.1 has compiled it for WebAssembly, without that package's own JavaScript: the
 * functions of Lua's C API, called directly, and the few that they need of the outside.
 *
 * Owns how memory grows (never beyond a limit: Lua then fails with "not enough memory"), and how a Lua error leaves C
 * functions, which have no exceptions: C's longjmp becomes a JavaScript exception that `invoke_vii` catches. The build
 * has changed the code so that it can be suspended (suspension.ts).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { withView } from "../base/byte-copy.ts";
import {
  type WasmImport,
  type WasmMemory,
  type WasmModule,
  type WasmTable,
  webAssembly,
} from "../base/web-assembly.ts";
import { Suspension } from "./suspension.ts";

/** The address of a lua_State: the VM, or one of its threads. */
export type LuaState = number;

/** Lua's C API, as far as it is used here. Addresses are offsets in `memory`. */
export interface LuaApi {
  readonly memory: WasmMemory;
  readonly __indirect_function_table: WasmTable;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): number;
  stackRestore(stack: number): void;
  setThrew(threw: number, value: number): void;
  malloc(size: number): number;
  free(address: number): void;
  luaL_newstate(): LuaState;
  luaL_openlibs(L: LuaState): void;
  luaL_loadbuffer(L: LuaState, buffer: number, size: number, name: number): number;
  luaL_where(L: LuaState, level: number): void;
  luaL_argerror(L: LuaState, argument: number, message: number): number;
  luaL_typerror(L: LuaState, argument: number, typeName: number): number;
  luaL_checkany(L: LuaState, argument: number): void;
  luaL_checktype(L: LuaState, argument: number, type: number): void;
  luaL_checknumber(L: LuaState, argument: number): number;
  luaL_checklstring(L: LuaState, argument: number, lengthAt: number): number;
  luaL_checkstack(L: LuaState, slots: number, message: number): void;
  luaL_ref(L: LuaState, table: number): number;
  luaL_unref(L: LuaState, table: number, reference: number): void;
  lua_checkstack(L: LuaState, slots: number): number;
  lua_concat(L: LuaState, count: number): void;
  lua_createtable(L: LuaState, arraySlots: number, hashSlots: number): void;
  lua_error(L: LuaState): number;
  lua_gc(L: LuaState, what: number, data: number): number;
  lua_getfield(L: LuaState, index: number, name: number): void;
  lua_gethookcount(L: LuaState): number;
  lua_getinfo(L: LuaState, what: number, record: number): number;
  lua_getlocal(L: LuaState, record: number, n: number): number;
  lua_getmetatable(L: LuaState, index: number): number;
  lua_getstack(L: LuaState, level: number, record: number): number;
  lua_gettable(L: LuaState, index: number): void;
  lua_gettop(L: LuaState): number;
  lua_insert(L: LuaState, index: number): void;
  lua_isnumber(L: LuaState, index: number): number;
  lua_newthread(L: LuaState): LuaState;
  lua_next(L: LuaState, index: number): number;
  lua_objlen(L: LuaState, index: number): number;
  lua_pcall(L: LuaState, argumentCount: number, resultCount: number, handler: number): number;
  lua_pushboolean(L: LuaState, value: number): void;
  lua_pushcclosure(L: LuaState, fn: number, upvalues: number): void;
  lua_pushlightuserdata(L: LuaState, value: number): void;
  lua_pushlstring(L: LuaState, address: number, length: number): void;
  lua_pushnil(L: LuaState): void;
  lua_pushnumber(L: LuaState, value: number): void;
  lua_pushvalue(L: LuaState, index: number): void;
  lua_rawget(L: LuaState, index: number): void;
  lua_rawgeti(L: LuaState, index: number, n: number): void;
  lua_rawset(L: LuaState, index: number): void;
  lua_rawseti(L: LuaState, index: number, n: number): void;
  lua_remove(L: LuaState, index: number): void;
  lua_replace(L: LuaState, index: number): void;
  lua_setfield(L: LuaState, index: number, name: number): void;
  lua_sethook(L: LuaState, hook: number, mask: number, count: number): number;
  lua_setmetatable(L: LuaState, index: number): number;
  lua_settable(L: LuaState, index: number): void;
  lua_settop(L: LuaState, index: number): void;
  lua_toboolean(L: LuaState, index: number): number;
  lua_tocfunction(L: LuaState, index: number): number;
  lua_tolstring(L: LuaState, index: number, lengthAt: number): number;
  lua_tonumber(L: LuaState, index: number): number;
  lua_topointer(L: LuaState, index: number): number;
  lua_touserdata(L: LuaState, index: number): number;
  lua_type(L: LuaState, index: number): number;
  lua_typename(L: LuaState, type: number): number;
  lua_xmove(from: LuaState, to: LuaState, count: number): void;
  // Asyncify's, and those that suspension.ts calls again.
  asyncify_start_unwind(buffer: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(buffer: number): void;
  asyncify_stop_rewind(): void;
  Arith(L: LuaState, result: number, first: number, second: number, event: number): void;
  call_binTM(L: LuaState, first: number, second: number, result: number, event: number): number;
  call_orderTM(L: LuaState, first: number, second: number, event: number): number;
  luaD_call(L: LuaState, fn: number, resultCount: number): void;
  luaD_precall(L: LuaState, fn: number, resultCount: number): number;
  luaV_concat(L: LuaState, count: number, last: number): void;
  luaV_equalval(L: LuaState, first: number, second: number): number;
  luaV_gettable(L: LuaState, table: number, key: number, result: number): void;
  luaV_lessthan(L: LuaState, first: number, second: number): number;
  luaV_settable(L: LuaState, table: number, key: number, value: number): void;
}

/** A C function as Lua calls it: its arguments are on the stack, and it returns how many results it has pushed. */
export type LuaFunction = (L: LuaState) => number;
/** Called by Lua between instructions. */
export type LuaHook = (L: LuaState, record: number) => void;

/** The VM cannot go on: it ran out of memory or stack where no script could be told. */
export class LuaFatalError extends Error {
  override readonly name = "LuaFatalError";
}

const PAGE_BYTES = 65_536;
/** Memory grows by at least so much at a time, since all views on it have to be made anew. */
const GROWTH_FACTOR = 1.2;
/** What a Lua error is while it passes through JavaScript. */
const LONGJMP = new Error("a Lua error passes");
/** "Not implemented": for what concerns files and processes. */
const NOT_SUPPORTED = 52;

/** A WebAssembly module that exports, as a function of its own kind, the JavaScript function that it imports: only such
 * can be put into a table of functions. `type` is the function's type in WebAssembly's encoding. */
function trampolineFor(type: readonly number[]): WasmModule {
  const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return new webAssembly.Module(
    new Uint8Array([
      ...header,
      ...section(1, [1, 0x60, ...type]),
      ...section(2, [1, 1, 0x65, 1, 0x66, 0, 0]),
      ...section(7, [1, 1, 0x66, 0, 0]),
    ]),
  );
}

const require = createRequire(import.meta.url);
const I32 = 0x7f;
let lua: WasmModule | undefined;
let functionTrampoline: WasmModule | undefined;
let hookTrampoline: WasmModule | undefined;

/** One instance of the compiled Lua: its memory and its functions. */
export class LuaModule {
  readonly api: LuaApi;
  /** All of the memory; replaced when it grows, which any call of the API may bring about. */
  heap: Buffer = Buffer.alloc(0);
  readonly suspension = new Suspension(this);
  /** Called when an error reaches the outermost protected call, while what has failed is still on the stack. */
  onFailure: (() => void) | undefined;
  private words = new Uint32Array(0);
  /** How many protected calls there are within each other. */
  private depth = 0;
  private readonly limitBytes: number;

  /** @param limitBytes the most memory that it may take */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    lua ??= new webAssembly.Module(readFileSync(require.resolve("#lua.wasm")));
    this.api = new webAssembly.Instance(lua, this.imports(lua)).exports as unknown as LuaApi;
    this.memoryChanged();
    this.api.emscripten_stack_init();
    this.api.__wasm_call_ctors();
    this.suspension.prepare();
  }

  /** The 32-bit number at an address that is a multiple of four. */
  word(address: number): number {
    return this.words[address >>> 2];
  }

  setWord(address: number, value: number): void {
    this.words[address >>> 2] = value;
  }

  /** Makes a JavaScript function one that Lua can call; the result is what lua_pushcclosure takes. */
  addFunction(fn: LuaFunction): number {
    functionTrampoline ??= trampolineFor([1, I32, 1, I32]);
    return this.addToTable(functionTrampoline, fn);
  }

  /** As `addFunction`, for lua_sethook. */
  addHook(fn: LuaHook): number {
    hookTrampoline ??= trampolineFor([2, I32, I32, 0]);
    return this.addToTable(hookTrampoline, fn);
  }

  /** Calls a function of C. If that raises an error, `amend` may change it: it is on top of the stack. */
  amending(fn: LuaFunction, L: LuaState, amend: () => void): number {
    const stack = this.api.stackSave();
    try {
      return fn(L);
    } catch (error) {
      if (error === LONGJMP) {
        this.api.stackRestore(stack);
        amend();
      }
      throw error;
    }
  }

  /** The function that lua_tocfunction gave. */
  functionAt(place: number): LuaFunction {
    return this.api.__indirect_function_table.get(place) as LuaFunction;
  }

  private addToTable(trampoline: WasmModule, fn: LuaFunction | LuaHook): number {
    const { f } = new webAssembly.Instance(trampoline, { e: { f: fn } }).exports;
    const table = this.api.__indirect_function_table;
    const place = table.grow(1);
    table.set(place, f);
    return place;
  }

  private memoryChanged(): void {
    const { buffer } = this.api.memory;
    this.heap = withView(Buffer.from(buffer));
    this.words = new Uint32Array(buffer);
  }

  private resize(sizeBytes: number): number {
    const { memory } = this.api;
    const present = memory.buffer.byteLength;
    const wanted = Math.min(this.limitBytes, Math.max(sizeBytes, present * GROWTH_FACTOR));
    if (sizeBytes > wanted) return 0;
    try {
      memory.grow(Math.ceil((wanted - present) / PAGE_BYTES));
    } catch {
      return 0;
    }
    this.memoryChanged();
    return 1;
  }

  private imports(module: WasmModule): Record<string, Record<string, WasmImport>> {
    const known: Record<string, WasmImport> = {
      invoke_vii: (place: number, first: number, second: number) => {
        const { api, suspension } = this;
        const stack = suspension.isReturning ? suspension.take() : api.stackSave();
        this.depth++;
        try {
          (api.__indirect_function_table.get(place) as (a: number, b: number) => void)(first, second);
          if (suspension.isLeaving) suspension.keep(stack);
        } catch (error) {
          if (error !== LONGJMP) throw error;
          if (this.depth === 1) this.onFailure?.();
          api.stackRestore(stack);
          api.setThrew(1, 0);
        } finally {
          this.depth--;
        }
      },
      left: this.suspension.left,
      resumed: this.suspension.resumed,
      calls: this.suspension.calls,
      keep: (value: number) => this.suspension.keep(value),
      take: () => this.suspension.take(),
      _emscripten_throw_longjmp: () => {
        throw LONGJMP;
      },
      emscripten_memcpy_js: (to: number, from: number, length: number) => {
        this.heap.copyWithin(to, from, from + length);
      },
      emscripten_resize_heap: (sizeBytes: number) => this.resize(sizeBytes >>> 0),
      // Lua gives up where nothing can catch the error.
      exit: () => {
        throw new LuaFatalError("not enough memory");
      },
      environ_sizes_get: (count: number, size: number) => {
        this.words[count >>> 2] = 0;
        this.words[size >>> 2] = 0;
        return 0;
      },
      environ_get: () => 0,
    };
    const imports: Record<string, Record<string, WasmImport>> = {};
    for (const { module: from, name } of webAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = known[name] ?? (() => NOT_SUPPORTED);
    }
    return imports;
  }
}

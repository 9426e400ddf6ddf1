/**
 * pcall, xpcall and load, as scripts have them. Each calls functions of scripts, and may be suspended meanwhile
 * (suspension.ts).
 *
 * pcall gives the text of an error that is a table of Redis's. The handler of xpcall, which in Lua runs within the
 * function that has failed, is called behind it here, where it can be suspended; for the same reason load reads all
 * pieces of the code before it compiles any.
 */
import type { LuaFunction, LuaState } from "./lua-module.ts";
import { FUNCTION, GLOBALS, type LuaVm, NIL, NUMBER, OK, STRING, TABLE } from "./lua-vm.ts";

/** What pcall was doing: calling, or reading the text of an error from a table, which may have a metatable. */
const CALLING = 0;
const READING = 1;
/** Among the results of lua_pcall. */
const FAILED = 2;
const ANY_RESULTS = -1;
/** A handler that fails is called with its own error: within itself, to Lua, which allows so many such calls. */
const MAX_HANDLERS = 200;
const ERROR_IN_HANDLER = "error in error handling";

/** Puts the functions among the globals of a VM, of which loadstring is already the one that scripts have. */
export function installProtectedCalls(vm: LuaVm, L: LuaState): void {
  const { api, module } = vm;
  const globalNamed = (name: string): LuaFunction => {
    api.lua_getfield(L, GLOBALS, vm.nameAt(name));
    const fn = module.functionAt(api.lua_tocfunction(L, -1));
    api.lua_settop(L, -2);
    return fn;
  };
  const calls = new ProtectedCalls(vm, globalNamed("pcall"), globalNamed("loadstring"));
  const define = (name: string, fn: LuaFunction) => {
    vm.pushFunction(L, fn);
    api.lua_setfield(L, GLOBALS, vm.nameAt(name));
  };
  define("pcall", (state) => calls.pcall(state));
  define("xpcall", (state) => calls.xpcall(state));
  define("load", (state) => calls.load(state));
}

class ProtectedCalls {
  private readonly vm: LuaVm;
  /** Lua's own pcall. */
  private readonly plain: LuaFunction;
  private readonly loadString: LuaFunction;

  constructor(vm: LuaVm, plain: LuaFunction, loadString: LuaFunction) {
    this.vm = vm;
    this.plain = plain;
    this.loadString = loadString;
  }

  pcall(L: LuaState): number {
    const { api, module } = this.vm;
    const { suspension } = module;
    let step = CALLING;
    if (suspension.isReturning) step = suspension.take();
    // To Redis's, nothing is called like any other value that is no function.
    else if (api.lua_gettop(L) === 0) api.lua_pushnil(L);
    if (step === CALLING) {
      const results = this.plain(L);
      if (!suspension.isLeaving) {
        if (api.lua_toboolean(L, 1) === 1 || api.lua_type(L, -1) !== TABLE) return results;
        this.vm.pushText(L, "err");
        step = READING;
      }
    }
    if (step === READING) api.lua_gettable(L, -2);
    if (suspension.isLeaving) {
      suspension.keep(step);
      return 0;
    }
    const type = api.lua_type(L, -1);
    if (type === STRING || type === NUMBER) api.lua_replace(L, -2);
    // What is no text is a third result, as of Redis's.
    return api.lua_gettop(L);
  }

  /** On the stack are the handler and then either the function, or the error. */
  xpcall(L: LuaState): number {
    const { api, module } = this.vm;
    const { suspension } = module;
    let handlers = 0;
    if (suspension.isReturning) handlers = suspension.take();
    else {
      api.luaL_checkany(L, 2);
      api.lua_settop(L, 2);
      api.lua_insert(L, 1);
    }
    let status = handlers === 0 ? api.lua_pcall(L, 0, ANY_RESULTS, 0) : api.lua_pcall(L, 1, 1, 0);
    if (handlers === 0 && status === OK && !suspension.isLeaving) return this.end(L, true);
    while (!suspension.isLeaving) {
      if (status !== FAILED) return this.end(L, false);
      if (handlers++ === MAX_HANDLERS || api.lua_type(L, 1) !== FUNCTION) {
        api.lua_settop(L, 1);
        this.vm.pushText(L, ERROR_IN_HANDLER);
        return this.end(L, false);
      }
      api.lua_pushvalue(L, 1);
      api.lua_insert(L, 2);
      status = api.lua_pcall(L, 1, 1, 0);
    }
    suspension.keep(handlers);
    return 0;
  }

  /** Returns what is on the stack, with whether all went well in the place of the first. */
  private end(L: LuaState, isFine: boolean): number {
    const { api } = this.vm;
    api.lua_pushboolean(L, isFine ? 1 : 0);
    api.lua_replace(L, 1);
    return api.lua_gettop(L);
  }

  /** On the stack are the reader, the name, and a table of pieces. */
  load(L: LuaState): number {
    const { vm } = this;
    const { api, module } = vm;
    const { suspension } = module;
    let pieces = 0;
    if (suspension.isReturning) pieces = suspension.take();
    else {
      api.luaL_checktype(L, 1, FUNCTION);
      api.lua_settop(L, 2);
      api.lua_createtable(L, 0, 0);
    }
    while (true) {
      if (!suspension.isReturning) api.lua_pushvalue(L, 1);
      const status = api.lua_pcall(L, 0, 1, 0);
      if (suspension.isLeaving) {
        suspension.keep(pieces);
        return 0;
      }
      if (status !== OK) break;
      if (api.lua_type(L, -1) === NIL) return this.loadPieces(L, pieces);
      if (api.lua_tolstring(L, -1, vm.lengthAt) === 0) {
        api.luaL_where(L, 1);
        vm.pushText(L, "reader function must return a string");
        api.lua_concat(L, 2);
        break;
      }
      if (vm.length === 0) return this.loadPieces(L, pieces);
      api.lua_rawseti(L, 3, ++pieces);
    }
    api.lua_pushnil(L);
    api.lua_insert(L, -2);
    return 2;
  }

  private loadPieces(L: LuaState, count: number): number {
    const { vm } = this;
    const { api } = vm;
    const code = Buffer.concat(
      Array.from({ length: count }, (_, i) => {
        api.lua_rawgeti(L, 3, i + 1);
        const piece = vm.bytes(L, -1)!;
        api.lua_settop(L, -2);
        return piece;
      }),
    );
    vm.pushBytes(L, code, 0, code.length);
    if (api.lua_type(L, 2) === NIL) vm.pushText(L, "=(load)");
    else api.lua_pushvalue(L, 2);
    // The arguments of loadstring.
    for (let place = 2; place >= 1; place--) api.lua_replace(L, place);
    api.lua_settop(L, 2);
    return this.loadString(L);
  }
}

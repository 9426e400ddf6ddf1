/**
 * What scripts find in a VM: the globals that Redis gives them, and nothing that one could change for others.
 *
 * Redis has a Lua in which tables can be made read-only. This is a stock Lua, so a *guard* stands for each such table:
 * an empty table through which reads fall to the real one, and whose writes raise the error. Functions that would go
 * round that (rawset, next, table.insert ...) have one of ours before them, which knows the guards by their addresses
 * and works on the same frame, so that their errors name the right place in the script.
 */
import type { LuaFunction, LuaState } from "./lua-module.ts";
import { GLOBALS, type LuaVm, REGISTRY, STRING, TABLE, upvalue } from "./lua-vm.ts";
import { installProtectedCalls } from "./protected-calls.ts";
import { stringFixes, toNumberFix } from "./string-fixes.ts";

const READ_ONLY = "Attempt to modify a readonly table";
/** First byte of compiled Lua, which could do anything to the VM. */
const ESCAPE = 0x1b;

/** Of Lua's own globals, those that scripts have. */
const FUNCTIONS =
  "assert collectgarbage error gcinfo getmetatable ipairs load loadstring next pairs pcall rawequal rawget rawset select" +
  " setmetatable tonumber tostring type unpack xpcall";
/** Of those that have a function of ours before them: they call functions of scripts, and may be suspended. */
const CALLING = ["sort", "gsub"];
const LIBRARIES = ["coroutine", "math", "string", "table"];

/** Pushes a table with the functions of a library. */
export type PushLibrary = (L: LuaState) => void;

export class Sandbox {
  /** References of the table of globals, and of its guard, which is what scripts see. */
  readonly globals: number;
  readonly guard: number;
  private readonly vm: LuaVm;
  /** Addresses of guards, and the references of what they guard (0: nothing to be shown). */
  private readonly guarded = new Map<number, number>();
  /** What getmetatable gives of a string. */
  private stringGuard = 0;

  constructor(vm: LuaVm, libraries: Readonly<Record<string, PushLibrary>>) {
    this.vm = vm;
    const { api, main: L } = vm;
    api.luaL_openlibs(L);
    this.replaceFunctions(L);
    installProtectedCalls(vm, L);
    api.lua_createtable(L, 0, 64);
    for (const name of FUNCTIONS.split(" ")) {
      api.lua_getfield(L, GLOBALS, vm.nameAt(name));
      api.lua_setfield(L, -2, vm.nameAt(name));
    }
    vm.setText(L, "_VERSION", "Lua 5.1");
    for (const name of LIBRARIES) {
      api.lua_getfield(L, GLOBALS, vm.nameAt(name));
      this.extend(L, libraries[name]);
      this.addLibrary(L, name);
    }
    for (const [name, push] of Object.entries(libraries)) {
      if (LIBRARIES.includes(name)) continue;
      api.lua_createtable(L, 0, 16);
      push(L);
      this.addLibrary(L, name);
    }
    this.guardStrings(L);
    this.failOnUnknown(L);
    this.globals = this.putGuard(L);
    api.lua_pushvalue(L, -1);
    this.guard = vm.reference(L);
    this.enclose(L);
    api.lua_settop(L, 0);
  }

  /** Puts a guard in the place of the table on top of the stack, and returns the reference of that table. */
  putGuard(L: LuaState): number {
    const { vm } = this;
    const { api } = vm;
    api.lua_createtable(L, 0, 0);
    this.pushMetatable(L);
    api.lua_pushvalue(L, -3);
    api.lua_setfield(L, -2, vm.nameAt("__index"));
    // What getmetatable gives of a guard is one, too.
    api.lua_createtable(L, 0, 0);
    this.guarded.set(api.lua_topointer(L, -1), 0);
    this.pushMetatable(L);
    api.lua_setmetatable(L, -2);
    api.lua_setfield(L, -2, vm.nameAt("__metatable"));
    api.lua_setmetatable(L, -2);
    const address = api.lua_topointer(L, -1);
    api.lua_insert(L, -2);
    const reference = vm.reference(L);
    this.guarded.set(address, reference);
    return reference;
  }

  /** Has another table stand behind the guard of the globals. */
  setGlobals(reference: number): void {
    const { api, main: L } = this.vm;
    api.lua_rawgeti(L, REGISTRY, this.guard);
    api.lua_getmetatable(L, -1);
    api.lua_rawgeti(L, REGISTRY, reference);
    api.lua_setfield(L, -2, this.vm.nameAt("__index"));
    api.lua_settop(L, -3);
  }

  private pushMetatable(L: LuaState): void {
    const { vm } = this;
    vm.api.lua_createtable(L, 0, 3);
    vm.setFunction(L, "__newindex", (state) => vm.fail(state, READ_ONLY));
  }

  private extend(L: LuaState, push: PushLibrary | undefined): void {
    push?.(L);
  }

  /** Adds the table on top of the stack, guarded, to the globals below it. */
  private addLibrary(L: LuaState, name: string): void {
    this.putGuard(L);
    this.vm.api.lua_setfield(L, -2, this.vm.nameAt(name));
  }

  /** The reference of the table that the one at `address` guards; 0 if it guards none. */
  referenceBehind(address: number): number {
    return this.guarded.get(address) ?? 0;
  }

  private isGuard(L: LuaState): boolean {
    const { api } = this.vm;
    return api.lua_type(L, 1) === TABLE && this.guarded.has(api.lua_topointer(L, 1));
  }

  /** Puts what a guard guards in the place of argument 1. */
  private resolve(L: LuaState): void {
    const { api } = this.vm;
    const reference = this.guarded.get(api.lua_topointer(L, 1))!;
    if (reference === 0) return;
    api.lua_rawgeti(L, REGISTRY, reference);
    api.lua_replace(L, 1);
  }

  private replaceFunctions(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    const refuseGuard = (original: LuaFunction) => (state: LuaState) => {
      if (!this.isGuard(state)) return original(state);
      vm.pushText(state, READ_ONLY);
      return vm.raise(state);
    };
    const resolveGuard = (original: LuaFunction) => (state: LuaState) => {
      if (this.isGuard(state)) this.resolve(state);
      return original(state);
    };
    for (const name of ["rawset", "setmetatable"]) this.replace(L, GLOBALS, name, refuseGuard);
    this.replace(L, GLOBALS, "rawget", resolveGuard);
    api.lua_getfield(L, GLOBALS, vm.nameAt("next"));
    this.replace(L, GLOBALS, "next", resolveGuard);
    this.replacePairs(L);
    this.replace(L, GLOBALS, "getmetatable", (original) => (state) => {
      if (api.lua_type(state, 1) !== STRING) return original(state);
      api.lua_rawgeti(state, REGISTRY, this.stringGuard);
      return 1;
    });
    this.replace(L, GLOBALS, "tonumber", toNumberFix(vm));
    this.replace(L, GLOBALS, "loadstring", (original) => (state) => {
      const address = api.lua_tolstring(state, 1, vm.lengthAt);
      if (address === 0 || vm.length === 0 || vm.heap[address] !== ESCAPE) return original(state);
      api.lua_pushnil(state);
      vm.pushText(state, "compiled code cannot be loaded");
      return 2;
    });
    api.lua_getfield(L, GLOBALS, vm.nameAt("table"));
    for (const name of ["insert", "remove", "sort", "setn"]) this.replace(L, -2, name, refuseGuard);
    api.lua_settop(L, -2);
    api.lua_getfield(L, GLOBALS, vm.nameAt("string"));
    for (const [name, wrap] of Object.entries(stringFixes(vm))) this.replace(L, -2, name, wrap);
    api.lua_settop(L, -2);
  }

  /** Puts a function of ours before one of Lua's. `table` is where, with that function on the stack. */
  private replace(
    L: LuaState,
    table: number,
    name: string,
    wrap: (original: LuaFunction) => LuaFunction,
  ): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_getfield(L, table === GLOBALS ? GLOBALS : -1, vm.nameAt(name));
    const { module } = vm;
    const original = module.functionAt(api.lua_tocfunction(L, -1));
    api.lua_settop(L, -2);
    const wrapped = wrap(original);
    const isCalling = CALLING.includes(name);
    vm.pushFunction(
      L,
      isCalling ? (state) => (module.suspension.isReturning ? original : wrapped)(state) : wrapped,
    );
    api.lua_setfield(L, table, vm.nameAt(name));
  }

  /** pairs of a guard walks over what it guards, without showing that. Lua's own `next` is on top of the stack. */
  private replacePairs(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_getfield(L, GLOBALS, vm.nameAt("pairs"));
    const original = vm.module.functionAt(api.lua_tocfunction(L, -1));
    api.lua_settop(L, -2);
    api.lua_getfield(L, GLOBALS, vm.nameAt("next"));
    const pairs = (state: LuaState) => {
      // The original gives its first upvalue, which is Lua's own `next`: the quicker one.
      if (!this.isGuard(state)) return original(state);
      api.lua_pushvalue(state, upvalue(2));
      api.lua_pushvalue(state, 1);
      api.lua_pushnil(state);
      return 3;
    };
    vm.pushFunction(L, pairs, 2);
    api.lua_setfield(L, GLOBALS, vm.nameAt("pairs"));
  }

  /** The metatable of strings stays as it is, for speed; what scripts can see of it is a guard. */
  private guardStrings(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_createtable(L, 0, 1);
    api.lua_getfield(L, -2, vm.nameAt("string"));
    api.lua_setfield(L, -2, vm.nameAt("__index"));
    this.putGuard(L);
    this.stringGuard = vm.reference(L);
  }

  /** Has reads of what is not in the table on top of the stack fail. */
  failOnUnknown(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_createtable(L, 0, 1);
    vm.setFunction(L, "__index", (state) => {
      const name = vm.text(state, 2);
      if (name === undefined) {
        return vm.fail(state, "Second argument to luaProtectedTableError must be a string or number");
      }
      return vm.fail(state, `Script attempted to access nonexistent global variable '${name}'`);
    });
    api.lua_setmetatable(L, -2);
  }

  /** The guard, on top of the stack, becomes the globals of the VM, and of all threads made from now on. */
  private enclose(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_rawgeti(L, REGISTRY, this.globals);
    api.lua_pushvalue(L, -2);
    api.lua_setfield(L, -2, vm.nameAt("_G"));
    api.lua_settop(L, -2);
    api.lua_replace(L, GLOBALS);
  }
}

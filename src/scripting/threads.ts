/**
 * Scripts run in threads of the VM, so that one that runs long can be suspended: a hook that Lua calls now and then
 * yields. Lua 5.1 cannot yield within a function of C, such as its own pcall. So pcall, xpcall and
 * coroutine.resume are made of coroutines here: each runs its function in a thread of its own, and when that was
 * suspended, and has not yielded of its own accord, suspends its own thread, too. Within other functions of C that call
 * back (string.gsub, table.sort, metamethods) a script is not suspended, but right after.
 */
import type { LuaHook, LuaState } from "./lua-module.ts";
import { GLOBALS, type LuaVm, OK } from "./lua-vm.ts";

/** pcall gives the text of an error that is a table of Redis's; xpcall's handler gets what it is. */
const PRELUDE = `
local wasSuspended, suspend, enter, leave, isC, cpcall = ...
local create, resume = coroutine.create, coroutine.resume
local error, type = error, type
local insert, concat, loadstring = table.insert, table.concat, loadstring

local function settle(co, ...)
  if wasSuspended() then
    suspend()
    return settle(co, resume(co))
  end
  leave()
  return ...
end

local function protect(f, ...)
  if type(f) ~= 'function' or isC(f) then return cpcall(f, ...) end
  local co = create(f)
  enter(true)
  return settle(co, resume(co, ...))
end

local function textOfError(ok, first, ...)
  if not ok and type(first) == 'table' then
    local err = first.err
    if type(err) == 'string' or type(err) == 'number' then return false, err end
  end
  return ok, first, ...
end

local function pcall(...)
  return textOfError(protect(...))
end

local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, (handler(...))
end

local function xpcall(f, handler)
  return handled(handler, protect(f))
end

local function resumeUser(co, ...)
  if type(co) ~= 'thread' then return resume(co, ...) end
  enter(false)
  return settle(co, resume(co, ...))
end

local function unwrap(ok, ...)
  if ok then return ... end
  error((...), 0)
end

local function wrap(f)
  local co = create(f)
  return function(...) return unwrap(resumeUser(co, ...)) end
end

local function load(reader, name)
  local pieces = {}
  local piece = reader()
  while piece ~= nil and piece ~= '' do
    insert(pieces, piece)
    piece = reader()
  end
  return loadstring(concat(pieces), name or '=(load)')
end

return pcall, xpcall, resumeUser, wrap, load
`;
const RESULTS = 5;
/** What errors call the prelude. */
export const PRELUDE_SOURCE = "=prelude";

/** All nested threads take of one stack. */
const MAX_DEPTH = 190;
const COUNT = 8;
/** The clock is looked at after so many instructions; many of them may be calls of commands. */
const INSTRUCTIONS = 10_000;
/** Within a lua_State: how deep C functions are nested, and how deep they were when the thread was resumed. */
const NESTED_CALLS_OFFSET = 52;
const CANNOT_YIELD = "attempt to yield across metamethod/C-call boundary";

export class Threads {
  /** The thread in which the present script runs. */
  present: LuaState = 0;
  /** Asked by the hook: whether the script is to be suspended. */
  mustSuspend: (L: LuaState) => boolean = () => false;
  private readonly vm: LuaVm;
  /** What scripts are interrupted by, at what, and after how many instructions. */
  private hook: number;
  private hookMask = COUNT;
  private hookInstructions = INSTRUCTIONS;
  /** The script was suspended, and the functions that run it have not yet been told. */
  isSuspended = false;
  /** Of each nested thread, innermost last: whether it is one of pcall, and the thread that runs it. */
  private readonly nested: boolean[] = [];
  private readonly parents: LuaState[] = [];
  /** How many of them were resumed where they cannot be suspended. */
  private readonly barriers: boolean[] = [];
  private reference = 0;

  constructor(vm: LuaVm) {
    this.vm = vm;
    this.hook = vm.module.addHook((L) => {
      if (this.canSuspend(L) && this.mustSuspend(L)) this.suspendFromHook(L);
    });
  }

  /** Puts a debugger's hook in the place of the one that asks `mustSuspend`: for scripts that begin from now on. */
  useHook(hook: LuaHook, mask: number, instructions: number): void {
    this.hook = this.vm.module.addHook(hook);
    this.hookMask = mask;
    this.hookInstructions = instructions;
  }

  /** Sets the number of instructions after which the hook is called in one thread. */
  setInstructions(L: LuaState, instructions: number): void {
    this.vm.api.lua_sethook(L, this.hook, this.hookMask, instructions);
  }

  /** Whether the script can be suspended where the running thread is. */
  canSuspend(L: LuaState): boolean {
    return this.canYield(L) && !this.barriers.includes(true);
  }

  /** Suspends the script from within a hook, which must return at once. */
  suspendFromHook(L: LuaState): void {
    this.isSuspended = true;
    this.vm.api.lua_yield(L, 0);
  }

  /** The threads whose functions called the running one's, through pcall: innermost first. */
  get callers(): readonly LuaState[] {
    const first = this.nested.lastIndexOf(false) + 1;
    return this.parents.slice(first).reverse();
  }

  /** Runs something beside the suspended script, whose nesting stays as it is. */
  beside<T>(run: () => T): T {
    const { nested, parents, barriers } = this;
    const depth = nested.length;
    try {
      return run();
    } finally {
      nested.length = depth;
      parents.length = depth;
      barriers.length = depth;
      this.isSuspended = false;
    }
  }

  /** Puts pcall and its like among the globals of the VM. */
  install(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    const source = Buffer.from(PRELUDE);
    const address = vm.scratchFor(source.length);
    source.copy(vm.heap, address);
    if (api.luaL_loadbuffer(L, address, source.length, vm.nameAt(PRELUDE_SOURCE)) !== OK)
      throw new Error(vm.text(L, -1));
    this.pushPrimitives(L);
    api.lua_getfield(L, GLOBALS, vm.nameAt("pcall"));
    if (api.lua_pcall(L, 6, RESULTS, 0) !== OK) throw new Error(vm.text(L, -1));
    api.lua_setfield(L, GLOBALS, vm.nameAt("load"));
    api.lua_getfield(L, GLOBALS, vm.nameAt("coroutine"));
    api.lua_insert(L, -3);
    api.lua_setfield(L, -3, vm.nameAt("wrap"));
    api.lua_setfield(L, -2, vm.nameAt("resume"));
    this.replaceYield(L);
    api.lua_settop(L, -2);
    api.lua_setfield(L, GLOBALS, vm.nameAt("xpcall"));
    api.lua_setfield(L, GLOBALS, vm.nameAt("pcall"));
  }

  /** A thread for a script: the present one, or a new one if that did not come to its end. Its stack is empty. */
  ready(): LuaState {
    this.nested.length = 0;
    this.parents.length = 0;
    this.barriers.length = 0;
    this.isSuspended = false;
    if (this.present !== 0) return this.present;
    const { vm } = this;
    const { api, main } = vm;
    this.present = api.lua_newthread(main);
    this.reference = vm.reference(main);
    api.lua_sethook(this.present, this.hook, this.hookMask, this.hookInstructions);
    return this.present;
  }

  /** The present thread has failed, or is not to be resumed. */
  abandon(): void {
    this.vm.api.luaL_unref(this.vm.main, -10_000, this.reference);
    this.present = 0;
  }

  private canYield(L: LuaState): boolean {
    const calls = this.vm.module.word(L + NESTED_CALLS_OFFSET);
    return (calls & 0xffff) <= calls >>> 16;
  }

  private pushPrimitives(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    vm.pushFunction(L, (state) => {
      api.lua_pushboolean(state, this.isSuspended ? 1 : 0);
      this.isSuspended = false;
      return 1;
    });
    vm.pushFunction(L, (state) => {
      this.isSuspended = true;
      return api.lua_yield(state, 0);
    });
    vm.pushFunction(L, (state) => {
      if (this.nested.length >= MAX_DEPTH) {
        vm.pushText(state, "C stack overflow");
        return vm.raise(state);
      }
      this.nested.push(api.lua_toboolean(state, 1) === 1);
      this.parents.push(state);
      this.barriers.push(!this.canYield(state));
      return 0;
    });
    vm.pushFunction(L, () => {
      this.nested.pop();
      this.parents.pop();
      this.barriers.pop();
      return 0;
    });
    vm.pushFunction(L, (state) => {
      api.lua_pushboolean(state, api.lua_tocfunction(state, 1) === 0 ? 0 : 1);
      return 1;
    });
  }

  /** A script is no coroutine to itself, nor is what pcall runs. The library `coroutine` is on top of the stack. */
  private replaceYield(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    const original = (name: string) => {
      api.lua_getfield(L, -1, vm.nameAt(name));
      const fn = vm.module.functionAt(api.lua_tocfunction(L, -1));
      api.lua_settop(L, -2);
      return fn;
    };
    const plainYield = original("yield");
    vm.setFunction(L, "yield", (state) => {
      if (state !== this.present && this.nested.at(-1) !== true) return plainYield(state);
      vm.pushText(state, CANNOT_YIELD);
      return vm.raise(state);
    });
    const plainRunning = original("running");
    vm.setFunction(L, "running", (state) => {
      if (this.nested.includes(false)) return plainRunning(state);
      api.lua_pushnil(state);
      return 1;
    });
  }

  /** Whether the thread that was resumed just now was suspended (and has not yielded of its own accord). */
  takeSuspended(): boolean {
    const { isSuspended } = this;
    this.isSuspended = false;
    return isSuspended;
  }
}

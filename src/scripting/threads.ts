/**
 * Scripts run in threads of the VM, so that one that runs long can be suspended: a hook that Lua calls now and then
 * yields. Lua 5.1 cannot yield within a function of C, such as its own pcall. So pcall, xpcall and
 * coroutine.resume are made of coroutines here: each runs its function in a thread of its own, and when that was
 * suspended, and has not yielded of its own accord, suspends its own thread, too. Other functions of C that call back
 * are made of Lua, too (callbacks.ts). Within metamethods and iterators a script is not suspended, but right after; one
 * that does not come to that is ended (`mustEnd`).
 */
import { Callbacks, loadOwn } from "./callbacks.ts";
import { canYield } from "./lua-frames.ts";
import type { LuaHook, LuaState } from "./lua-module.ts";
import { FUNCTION, GLOBALS, type LuaVm, OK } from "./lua-vm.ts";

/** pcall gives the text of an error that is a table of Redis's; xpcall's handler gets what it is. */
const PRELUDE = `
local interruption, suspend, enter, leave, kindOf, cpcall = ...
local create, resume = coroutine.create, coroutine.resume
local error, type = error, type
local insert, concat, loadstring = table.insert, table.concat, loadstring

local function settle(co, ...)
  local isInterrupted, isSuspended = interruption()
  if isInterrupted then
    if isSuspended then suspend() end
    return settle(co, resume(co))
  end
  leave()
  return ...
end

local function protect(f, ...)
  local isLua, calls = kindOf(f)
  if not isLua then return cpcall(f, ...) end
  local co = create(calls and function(...) return f(...) end or f)
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
  error((...), 3) -- this, a tail call, and who called
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
/** All nested threads take of one stack. */
const MAX_DEPTH = 190;
const ON_RETURN = 2;
const COUNT = 8;
/** The clock is looked at after so many instructions; many of them may be calls of commands. */
const INSTRUCTIONS = 10_000;
/** What an event of a hook is, within its record: so many instructions. */
const COUNTED = 3;
const CANNOT_YIELD = "attempt to yield across metamethod/C-call boundary";

export class Threads {
  /** The thread in which the present script runs. */
  present: LuaState = 0;
  /** Asked by the hook: whether the script is to be suspended. */
  mustSuspend: (L: LuaState) => boolean = () => false;
  /** Asked where it cannot be suspended, although it is to be: whether it is to be ended. */
  mustEnd: () => boolean = () => false;
  /** It is being ended: each of its instructions fails, so that it cannot go on however it handles errors. */
  isEnding = false;
  /** It is to be suspended as soon as it can be. */
  private isDue = false;
  readonly callbacks: Callbacks;
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
    this.callbacks = new Callbacks(vm);
    this.hook = vm.module.addHook((L, record) => this.onHook(L, record));
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
    return canYield(this.vm, L) && !this.barriers.includes(true);
  }

  /** Suspends the script from within a hook, which must return at once. */
  suspendFromHook(L: LuaState): void {
    this.isSuspended = true;
    this.vm.api.lua_yield(L, 0);
  }

  private onHook(L: LuaState, record: number): void {
    const { isDue, vm } = this;
    if (this.isEnding) this.raiseEnd(L);
    if (vm.module.word(record) !== COUNTED) {
      // The next instruction may be one behind the function of C.
      vm.api.lua_sethook(L, this.hook, ON_RETURN | COUNT, 1);
      return;
    }
    if (vm.api.lua_gethookcount(L) !== INSTRUCTIONS) this.watch(L);
    // What runs is the prelude, which has not been told yet what became of the thread that it has resumed.
    if (this.isSuspended || this.callbacks.hasTurned) return;
    if (!this.mustSuspend(L)) return;
    if (this.canSuspend(L)) {
      this.setDue(L, false);
      this.suspendFromHook(L);
    } else if (this.mustEnd()) {
      this.isEnding = true;
      for (const thread of [L, ...this.parents]) vm.api.lua_sethook(thread, this.hook, COUNT, 1);
      this.raiseEnd(L);
    } else if (!isDue) this.setDue(L, true);
  }

  private raiseEnd(L: LuaState): never {
    this.vm.pushText(L, "the script is ended");
    return this.vm.raise(L);
  }

  /** While the script is due to be suspended, it is looked at whenever a function returns. */
  private setDue(L: LuaState, isDue: boolean): void {
    if (this.isDue === isDue) return;
    this.isDue = isDue;
    for (const thread of [L, ...this.parents]) this.watch(thread);
  }

  private watch(L: LuaState): void {
    this.vm.api.lua_sethook(L, this.hook, this.isDue ? ON_RETURN | COUNT : COUNT, INSTRUCTIONS);
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
    loadOwn(vm, L, PRELUDE);
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
    this.isEnding = false;
    const wasDue = this.isDue;
    this.isDue = false;
    if (wasDue && this.present !== 0) this.watch(this.present);
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

  private pushPrimitives(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    vm.pushFunction(L, (state) => {
      if (!this.isSuspended && !this.callbacks.hasTurned) return 0;
      api.lua_pushboolean(state, 1);
      api.lua_pushboolean(state, this.isSuspended ? 1 : 0);
      this.isSuspended = false;
      this.callbacks.hasTurned = false;
      return 2;
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
      this.barriers.push(!canYield(vm, state));
      return 0;
    });
    vm.pushFunction(L, () => {
      this.nested.pop();
      this.parents.pop();
      this.barriers.pop();
      return 0;
    });
    const calling = this.callbacks.places(L);
    vm.pushFunction(L, (state) => {
      if (api.lua_type(state, 1) !== FUNCTION) return 0;
      const place = api.lua_tocfunction(state, 1);
      const calls = place !== 0 && calling.has(place);
      if (place !== 0 && !calls) return 0;
      api.lua_pushboolean(state, 1);
      api.lua_pushboolean(state, calls ? 1 : 0);
      return 2;
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
      const isCoroutine = state !== this.present && this.nested.at(-1) !== true;
      if (isCoroutine && !this.callbacks.includes(state)) return plainYield(state);
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

  /** Whether the thread that was resumed just now is to be resumed again at once. */
  takeTurned(): boolean {
    const { hasTurned } = this.callbacks;
    this.callbacks.hasTurned = false;
    return hasTurned;
  }

  /** Whether the thread that was resumed just now was suspended (and has not yielded of its own accord). */
  takeSuspended(): boolean {
    const { isSuspended } = this;
    this.isSuspended = false;
    return isSuspended;
  }
}

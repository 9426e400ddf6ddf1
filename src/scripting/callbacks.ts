/**
 * Functions of Lua's libraries that call functions of scripts: string.gsub, table.sort, table.foreach, table.foreachi.
 * A script cannot be suspended within what C calls. So if they have something to call, Lua does the work here, with the
 * same calls in the same order, results and errors.
 *
 * To scripts they are the functions of C that they are everywhere: those look at their arguments, and do what calls
 * nothing. Else the call is turned into one of a function of Lua (lua-frames.ts), with the same caller.
 */
import { becomeLua, type Closure, canYield, closureOnTop, forgetNames, functionsOf } from "./lua-frames.ts";
import type { LuaFunction, LuaState } from "./lua-module.ts";
import { FUNCTION, GLOBALS, type LuaVm, NIL, OK, STRING, TABLE, toInt } from "./lua-vm.ts";

/** What errors call code of our own. */
export const OWN_SOURCE = "=prelude";

/** As in C, a quicksort with the middle one of three as pivot: inconsistent functions see the same calls. Of two parts
 * the larger waits. `get` and `set` are how elements are reached: tables with a metatable need another way. */
const sortCode = (
  name: string,
  get: (place: string) => string,
  set: (place: string, value: string) => string,
) => `
local function ${name}(list, precedes)
  local low, high = 1, #list
  local lows, highs, waiting = {}, {}, 0
  while true do
    while low < high do
      local a, b = ${get("low")}, ${get("high")}
      if precedes(b, a) then
        ${set("low", "b")}
        ${set("high", "a")}
      end
      if high - low == 1 then break end
      local middle = low + (high - low - (high - low) % 2) / 2
      a, b = ${get("middle")}, ${get("low")}
      if precedes(a, b) then
        ${set("middle", "b")}
        ${set("low", "a")}
      else
        b = ${get("high")}
        if precedes(b, a) then
          ${set("middle", "b")}
          ${set("high", "a")}
        end
      end
      if high - low == 2 then break end
      local pivot = ${get("middle")}
      ${set("middle", get("high - 1"))}
      ${set("high - 1", "pivot")}
      local i, j = low, high - 1
      while true do
        i = i + 1
        a = ${get("i")}
        while precedes(a, pivot) do
          if i > high then fail('invalid order function for sorting') end
          i = i + 1
          a = ${get("i")}
        end
        j = j - 1
        b = ${get("j")}
        while precedes(pivot, b) do
          if j < low then fail('invalid order function for sorting') end
          j = j - 1
          b = ${get("j")}
        end
        if j < i then break end
        ${set("i", "b")}
        ${set("j", "a")}
      end
      a = ${get("i")}
      ${set("i", get("high - 1"))}
      ${set("high - 1", "a")}
      waiting = waiting + 1
      if i - low < high - i then
        lows[waiting], highs[waiting] = i + 1, high
        high = i - 1
      else
        lows[waiting], highs[waiting] = low, i - 1
        low = i + 1
      end
    end
    if waiting == 0 then return end
    low, high = lows[waiting], highs[waiting]
    waiting = waiting - 1
  end
end
`;

/** In gsub a match is looked for by find, and if it has several captures, they are what match gives at that place.
 * Short texts are put together first, so that a table has no place for each. */
const CODE = `
local plainFind, placedFind, match, sub, concat, rawget, rawset, next, metatable, fail = ...
local type = type
local PIECE_BYTES = 128

local function gsub(text, pattern, replacement, limit, captures)
  local find = captures < 0 and placedFind or plainFind
  local calls = type(replacement) == 'function'
  local anchored = sub(pattern, 1, 1) == '^'
  local length = #text
  local gathered, pieces, count = '', nil, 0
  local done, kept, from = 0, 1, 1 -- 'from' is behind 'kept' after an empty match
  limit = limit or length + 1
  while done < limit do
    local first, last, key = find(text, pattern, from)
    if not first then break end
    done = done + 1
    if captures == 0 then key = sub(text, first, last) end
    local value
    if calls then
      if captures == 0 or captures == 1 then value = replacement(key)
      else value = replacement(match(text, pattern, first)) end
    else
      if captures < 0 then key = match(text, pattern, first) end
      value = rawget(replacement, key)
      if value == nil then
        local handlers = metatable(replacement)
        local handler = handlers and rawget(handlers, '__index')
        if type(handler) == 'function' then value = handler(replacement, key)
        else value = replacement[key] end
      end
    end
    if not value then
      value = sub(text, first, last)
    else
      local kind = type(value)
      if kind ~= 'string' and kind ~= 'number' then fail('invalid replacement value (a ' .. kind .. ')') end
    end
    if first > kept then gathered = gathered .. sub(text, kept, first - 1) .. value
    else gathered = gathered .. value end
    if #gathered >= PIECE_BYTES then
      pieces = pieces or {}
      count = count + 1
      pieces[count] = gathered
      gathered = ''
    end
    kept = last + 1
    if anchored then break end
    if last >= first then
      from = kept
    else
      if first > length then break end
      from = first + 1
    end
  end
  if kept <= length then gathered = gathered .. sub(text, kept) end
  if not pieces then return gathered, done end
  pieces[count + 1] = gathered
  return concat(pieces), done
end
${sortCode(
  "sort",
  (place) => `list[${place}]`,
  (place, value) => `list[${place}] = ${value}`,
)}
${sortCode(
  "rawsort",
  (place) => `rawget(list, ${place})`,
  (place, value) => `rawset(list, ${place}, ${value})`,
)}
local function foreach(list, visit)
  for key, value in next, list do
    local result = visit(key, value)
    if result ~= nil then return result end
  end
end

local function foreachi(list, visit)
  for i = 1, #list do
    local result = visit(i, rawget(list, i))
    if result ~= nil then return result end
  end
end

return gsub, sort, rawsort, foreach, foreachi
`;
const REPLACED = [
  ["table", "foreachi"],
  ["table", "foreach"],
  ["table", "sort"],
  ["string", "gsub"],
] as const;
/** What makes a pattern one to string.find. */
const SPECIAL = /[\^$*+?.([%-]/;
/** Patterns that raise no error, if they are short: captures are closed, and not nested. */
const ESCAPED = String.raw`%[^bf\d]|\[(?:\^|(?!\^))(?:%[^]|[^%])(?:%[^]|[^\]%])*\]`;
const ITEM = `${ESCAPED}|[^%[()]`;
const SOUND = new RegExp(`^(?:${ITEM}|\\((?:${ITEM})*\\))*$`);
const SHORT_PATTERN = 64;
/** What may hold brackets that are none. */
const NO_CAPTURE = new RegExp(ESCAPED, "g");
/** What is known of a pattern: how many captures it has, or one of these. */
const UNKNOWN = -1;
const NEVER_CALLS = -2;

export class Callbacks {
  /** A call of C has become one of Lua: the thread that yields just now is to be resumed at once. */
  hasTurned = false;
  private readonly vm: LuaVm;
  /** Addresses of the functions of Lua. */
  private readonly own = new Set<number>();
  /** The pattern that was looked at last, up to where it ends to C, and what is known of it. */
  private pattern = "";
  private captures = 0;

  constructor(vm: LuaVm) {
    this.vm = vm;
  }

  /** Puts our functions in the places of Lua's own, while the globals are Lua's own. */
  install(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    loadOwn(vm, L, CODE);
    const push = (library: string, ...names: string[]) => {
      api.lua_getfield(L, GLOBALS, vm.nameAt(library));
      for (const name of names) {
        api.lua_getfield(L, -1, vm.nameAt(name));
        api.lua_insert(L, -2);
      }
      api.lua_settop(L, -2);
    };
    push("string", "find");
    const find = vm.module.functionAt(api.lua_tocfunction(L, -1));
    vm.pushFunction(L, (state) => vm.module.amending(find, state, () => this.addPlace(state)));
    push("string", "match", "sub");
    push("table", "concat");
    push("_G", "rawget", "rawset", "next");
    push("debug", "getmetatable");
    vm.pushFunction(L, (state) => {
      this.addPlace(state);
      return vm.raise(state);
    });
    if (api.lua_pcall(L, 10, 5, 0) !== OK) throw new Error(vm.text(L, -1));
    const take = () => {
      const closure = closureOnTop(vm, L);
      this.own.add(closure.address);
      vm.reference(L);
      return closure;
    };
    const [foreachi, foreach, rawsort, sort, gsub] = [take(), take(), take(), take(), take()];
    this.replace(L, "table", "foreachi", (state) => this.turnTable(state, foreachi, foreachi));
    this.replace(L, "table", "foreach", (state) => this.turnTable(state, foreach, foreach));
    this.replace(L, "table", "sort", (state) => this.turnTable(state, sort, rawsort));
    this.replace(L, "string", "gsub", (state) => this.turnGsub(state, gsub));
  }

  /** What lua_tocfunction gives of the functions, as scripts have them. */
  places(L: LuaState): ReadonlySet<number> {
    const { vm } = this;
    const { api } = vm;
    const places = new Set<number>();
    for (const [library, name] of REPLACED) {
      api.lua_getfield(L, GLOBALS, vm.nameAt(library));
      api.lua_getfield(L, -1, vm.nameAt(name));
      places.add(api.lua_tocfunction(L, -1));
      api.lua_settop(L, -3);
    }
    return places;
  }

  /** Whether a thread is within one of the functions: from there it cannot yield, as from C. */
  includes(L: LuaState): boolean {
    for (const fn of functionsOf(this.vm, L)) if (this.own.has(fn)) return true;
    return false;
  }

  /** @param turn turns the call into one of Lua, if the arguments on the stack are such that something is called; or
   * undefined */
  private replace(
    L: LuaState,
    library: string,
    name: string,
    turn: (L: LuaState) => number | undefined,
  ): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_getfield(L, GLOBALS, vm.nameAt(library));
    api.lua_getfield(L, -1, vm.nameAt(name));
    const original: LuaFunction = vm.module.functionAt(api.lua_tocfunction(L, -1));
    api.lua_settop(L, -2);
    vm.setFunction(L, name, (state) => (canYield(vm, state) ? turn(state) : undefined) ?? original(state));
    api.lua_settop(L, -2);
  }

  private turnTable(L: LuaState, plain: Closure, raw: Closure): number | undefined {
    const { api } = this.vm;
    if (api.lua_type(L, 1) !== TABLE || api.lua_type(L, 2) !== FUNCTION) return undefined;
    api.lua_settop(L, 2);
    const hasMetatable = api.lua_getmetatable(L, 1) !== 0;
    return this.turn(L, hasMetatable ? raw : plain, 2);
  }

  private turn(L: LuaState, closure: Closure, parameters: number): number {
    const result = becomeLua(this.vm, L, closure, parameters);
    this.hasTurned = true;
    return result;
  }

  /** Looks at the arguments as C does, and makes them what the code above wants. */
  private turnGsub(L: LuaState, gsub: Closure): number | undefined {
    const { vm } = this;
    const { api } = vm;
    const type = api.lua_type(L, 3);
    if (type !== FUNCTION && (type !== TABLE || !this.hasHandler(L))) return undefined;
    api.luaL_checklstring(L, 1, vm.lengthAt);
    const address = api.luaL_checklstring(L, 2, vm.lengthAt);
    const { length } = vm;
    if (!this.isPresent(address, length)) this.look(address, length);
    const { captures, pattern } = this;
    if (captures === NEVER_CALLS) return undefined;
    const hasLimit = api.lua_type(L, 4) > NIL;
    const limit = hasLimit ? toInt(api.luaL_checknumber(L, 4)) : 0;
    api.lua_settop(L, 4);
    if (hasLimit) {
      api.lua_pushnumber(L, limit);
      api.lua_replace(L, 4);
    }
    // To C the pattern ends there.
    if (pattern.length < length) {
      api.lua_pushlstring(L, address, pattern.length);
      api.lua_replace(L, 2);
    }
    api.lua_pushnumber(L, captures);
    return this.turn(L, gsub, 5);
  }

  /** Whether the pattern at an address is the one that was looked at last. */
  private isPresent(address: number, length: number): boolean {
    const { pattern, vm } = this;
    if (pattern.length !== length) return false;
    const { heap } = vm;
    for (let i = 0; i < length; i++) if (heap[address + i] !== pattern.charCodeAt(i)) return false;
    return true;
  }

  private look(address: number, length: number): void {
    const [pattern] = this.vm.heap.toString("latin1", address, address + length).split("\0", 1);
    this.pattern = pattern;
    this.captures = UNKNOWN;
    // Nothing special to string.find, but an error as a pattern.
    if (pattern.includes(")") && !SPECIAL.test(pattern)) this.captures = NEVER_CALLS;
    else if (pattern.length < SHORT_PATTERN && SOUND.test(pattern)) {
      this.captures = pattern.replace(NO_CAPTURE, "").split("(").length - 1;
    }
  }

  /** Whether what is not in the table that is argument 3 is asked of a function. */
  private hasHandler(L: LuaState): boolean {
    const { vm } = this;
    const { api } = vm;
    if (api.lua_getmetatable(L, 3) === 0) return false;
    vm.pushText(L, "__index");
    api.lua_rawget(L, -2);
    const isFunction = api.lua_type(L, -1) === FUNCTION;
    api.lua_settop(L, -3);
    return isFunction;
  }

  /** Puts the place where the script has called a function of ours before the text on top of the stack. */
  private addPlace(L: LuaState): void {
    const { api } = this.vm;
    if (api.lua_type(L, -1) !== STRING) return;
    api.luaL_where(L, 2);
    api.lua_insert(L, -2);
    api.lua_concat(L, 2);
  }
}

/** Loads code of our own: a function on top of the stack. */
export function loadOwn(vm: LuaVm, L: LuaState, code: string): void {
  const source = Buffer.from(code);
  const address = vm.scratchFor(source.length);
  source.copy(vm.heap, address);
  if (vm.api.luaL_loadbuffer(L, address, source.length, vm.nameAt(OWN_SOURCE)) !== OK)
    throw new Error(vm.text(L, -1));
  forgetNames(vm, L);
}

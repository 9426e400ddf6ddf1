/**
 * Values of Lua as a debugger shows them: strings in quotes, tables as `{1; 2}` or `{["key"]=value}`.
 */
import { formatGeneral } from "../../base/numbers.ts";
import { quote } from "../../protocol/quoting.ts";
import type { LuaState } from "../lua-module.ts";
import { BOOLEAN, type LuaVm, NIL, NUMBER, REGISTRY, STRING, TABLE } from "../lua-vm.ts";

/** Tables within tables are shown up to here: one may hold itself. */
const MAX_DEPTH = 10;
const TOO_DEEP = "<max recursion level reached! Nested table?>";
/** What is shown of a number: C's %g. */
const DIGITS = 6;
/** No more elements of a table are shown from here on, lest one that holds itself many times fill the memory. */
const MAX_LENGTH = 4 * 1024 * 1024;
/** Key and value of each table. */
const SLOTS = 3 * MAX_DEPTH;
const KINDS: Readonly<Record<number, string>> = {
  2: "light-userdata",
  6: "function",
  7: "userdata",
  8: "thread",
};

export class ValueText {
  private readonly vm: LuaVm;
  /** The reference of the table that stands behind one that scripts cannot write to; 0 if there is none. */
  private readonly behind: (address: number) => number;
  private room = 0;

  constructor(vm: LuaVm, behind: (address: number) => number) {
    this.vm = vm;
    this.behind = behind;
  }

  /** The value on top of the stack, which stays there. */
  of(L: LuaState): string {
    this.room = MAX_LENGTH;
    this.vm.api.luaL_checkstack(L, SLOTS, this.vm.nameAt("value"));
    return this.text(L, 1);
  }

  private text(L: LuaState, depth: number): string {
    const { vm } = this;
    const { api } = vm;
    if (depth === MAX_DEPTH + 1) return TOO_DEEP;
    const type = api.lua_type(L, -1);
    if (type === TABLE) return this.table(L, depth);
    const text = this.plain(L, type);
    this.room -= text.length;
    return text;
  }

  private plain(L: LuaState, type: number): string {
    const { vm } = this;
    const { api } = vm;
    if (type === STRING) return quote(vm.text(L, -1)!);
    if (type === NUMBER) return numberText(api.lua_tonumber(L, -1));
    if (type === BOOLEAN) return api.lua_toboolean(L, -1) === 1 ? "true" : "false";
    if (type === NIL) return "nil";
    return `"${KINDS[type]}@0x${api.lua_topointer(L, -1).toString(16)}"`;
  }

  /** An array if its keys come as 1, 2, 3 ... */
  private table(L: LuaState, depth: number): string {
    const { api } = this.vm;
    const reference = this.behind(api.lua_topointer(L, -1));
    if (reference === 0) api.lua_pushvalue(L, -1);
    else api.lua_rawgeti(L, REGISTRY, reference);
    const keys: string[] = [];
    const values: string[] = [];
    let isArray = true;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      values.push(this.text(L, depth + 1));
      api.lua_settop(L, -2);
      const isNext = api.lua_type(L, -1) === NUMBER && api.lua_tonumber(L, -1) === values.length;
      if (!isNext) isArray = false;
      keys.push(this.text(L, depth + 1));
      if (this.room > 0) continue;
      api.lua_settop(L, -2);
      break;
    }
    api.lua_settop(L, -2);
    const elements = isArray ? values : values.map((value, i) => `[${keys[i]}]=${value}`);
    return `{${elements.join("; ")}}`;
  }
}

/** What is no number is what C prints of a division of zero by zero. */
function numberText(value: number): string {
  return Number.isNaN(value) ? "-nan" : formatGeneral(value, DIGITS);
}

/**
 * Replies of commands as values of Lua: what redis.call returns. In RESP2 a status is a table with the field `ok`, an
 * error one with `err`, and nothing is false; in RESP3 there are also tables with the fields `map`, `set`, `double`,
 * `big_number` and `verbatim_string`, and nothing is nil.
 */
import { parseInteger } from "../base/numbers.ts";
import type { LuaState } from "./lua-module.ts";
import type { LuaVm } from "./lua-vm.ts";

const CARRIAGE_RETURN = 0x0d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const COLON = 0x3a;
const DOLLAR = 0x24;
const STAR = 0x2a;
const PERCENT = 0x25;
const TILDE = 0x7e;
const BAR = 0x7c;
const UNDERSCORE = 0x5f;
const HASH = 0x23;
const COMMA = 0x2c;
const PARENTHESIS = 0x28;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const LOWER_T = 0x74;
/** Table, key and value, and two for the fields of a nested one. */
const SLOTS = 5;

/** Pushes the value for a reply of `buf`. */
export class ReplyToLua {
  private readonly vm: LuaVm;
  private buf: Buffer = Buffer.alloc(0);
  private position = 0;

  constructor(vm: LuaVm) {
    this.vm = vm;
  }

  /** @param start where in `buf` the reply begins */
  push(L: LuaState, buf: Buffer, start: number): void {
    this.buf = buf;
    this.position = start;
    this.value(L);
  }

  private value(L: LuaState): void {
    const { api } = this.vm;
    const type = this.buf[this.position++];
    switch (type) {
      case DOLLAR:
        return this.bulk(L);
      case COLON:
        api.lua_pushnumber(L, this.number());
        return;
      case STAR:
      case GREATER:
        return this.array(L);
      case PLUS:
        return this.field(L, "ok");
      case MINUS:
        return this.error(L);
      case UNDERSCORE:
        this.line();
        api.lua_pushnil(L);
        return;
      case HASH:
        api.lua_pushboolean(L, this.buf[this.position] === LOWER_T ? 1 : 0);
        this.line();
        return;
      case COMMA:
        return this.double(L);
      case PARENTHESIS:
        return this.field(L, "big_number");
      case EQUALS:
        return this.verbatim(L);
      case PERCENT:
        return this.map(L);
      case TILDE:
        return this.set(L);
      case BAR:
        this.skipAttributes(L);
        return this.value(L);
      default:
        throw new Error(`a reply begins with byte ${type}`);
    }
  }

  /** Scripts are told nothing of them. */
  private skipAttributes(L: LuaState): void {
    for (let left = 2 * this.length(); left > 0; left--) {
      this.value(L);
      this.vm.api.lua_settop(L, -2);
    }
  }

  private bulk(L: LuaState): void {
    const length = this.length();
    if (length < 0) {
      this.vm.api.lua_pushboolean(L, 0);
      return;
    }
    const start = this.position;
    this.position = start + length + 2;
    this.vm.pushBytes(L, this.buf, start, length);
  }

  private array(L: LuaState): void {
    const { api } = this.vm;
    const length = this.length();
    if (length < 0) {
      api.lua_pushboolean(L, 0);
      return;
    }
    this.reserve(L);
    api.lua_createtable(L, length, 0);
    for (let i = 1; i <= length; i++) {
      this.value(L);
      api.lua_rawseti(L, -2, i);
    }
  }

  /** A table with one field, which is the rest of the line. */
  private field(L: LuaState, name: string): void {
    const { api } = this.vm;
    this.reserve(L);
    api.lua_createtable(L, 0, 1);
    const start = this.position;
    this.vm.pushBytes(L, this.buf, start, this.line() - start);
    api.lua_setfield(L, -2, this.vm.nameAt(name));
  }

  private error(L: LuaState): void {
    const start = this.position;
    pushErrorTable(this.vm, L, this.buf.toString("latin1", start, this.line()), true);
  }

  private double(L: LuaState): void {
    const { api } = this.vm;
    const start = this.position;
    const text = this.buf.toString("latin1", start, this.line());
    this.reserve(L);
    api.lua_createtable(L, 0, 1);
    api.lua_pushnumber(L, text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text));
    api.lua_setfield(L, -2, this.vm.nameAt("double"));
  }

  private verbatim(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    const length = this.length();
    const start = this.position;
    this.position = start + length + 2;
    this.reserve(L);
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 2);
    vm.pushBytes(L, this.buf, start + 4, length - 4);
    api.lua_setfield(L, -2, vm.nameAt("string"));
    vm.pushBytes(L, this.buf, start, 3);
    api.lua_setfield(L, -2, vm.nameAt("format"));
    api.lua_setfield(L, -2, vm.nameAt("verbatim_string"));
  }

  private map(L: LuaState): void {
    const { api } = this.vm;
    const length = this.length();
    this.reserve(L);
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, length);
    for (let i = 0; i < length; i++) {
      this.value(L);
      this.value(L);
      api.lua_rawset(L, -3);
    }
    api.lua_setfield(L, -2, this.vm.nameAt("map"));
  }

  private set(L: LuaState): void {
    const { api } = this.vm;
    const length = this.length();
    this.reserve(L);
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, length);
    for (let i = 0; i < length; i++) {
      this.value(L);
      api.lua_pushboolean(L, 1);
      api.lua_rawset(L, -3);
    }
    api.lua_setfield(L, -2, this.vm.nameAt("set"));
  }

  private reserve(L: LuaState): void {
    this.vm.api.luaL_checkstack(L, SLOTS, this.vm.nameAt("reply"));
  }

  /** The number of a header, up to the end of its line. */
  private length(): number {
    const { buf } = this;
    let position = this.position;
    let value = 0;
    const isNegative = buf[position] === MINUS;
    if (isNegative) position++;
    for (let byte = buf[position]; byte !== CARRIAGE_RETURN; byte = buf[++position]) {
      value = value * 10 + byte - 0x30;
    }
    this.position = position + 2;
    return isNegative ? -value : value;
  }

  private number(): number {
    const start = this.position;
    const length = this.line() - start;
    const value = parseInteger(this.buf, start, length);
    return Number.isNaN(value) ? Number(this.buf.toString("latin1", start, start + length)) : value;
  }

  /** Goes behind the end of the line; returns where that is. */
  private line(): number {
    const end = this.buf.indexOf(CARRIAGE_RETURN, this.position);
    this.position = end + 2;
    return end;
  }
}

/**
 * Pushes the table that stands for an error: its field `err` begins with a code.
 * @param text begins with a code
 * @param isCounted the statistics of errors know it
 */
export function pushErrorTable(vm: LuaVm, L: LuaState, text: string, isCounted: boolean): void {
  const { api } = vm;
  api.luaL_checkstack(L, SLOTS, vm.nameAt("error"));
  api.lua_createtable(L, 0, 2);
  vm.pushText(L, text);
  api.lua_setfield(L, -2, vm.nameAt("err"));
  if (!isCounted) return;
  api.lua_pushboolean(L, 1);
  api.lua_setfield(L, -2, vm.nameAt("ignore_error_stats_update"));
}

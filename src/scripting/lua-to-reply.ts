/**
 * Values of Lua as replies: what a script returns. A number becomes an integer, a table an array up to its first nil,
 * or what its field `err`, `ok`, `double`, `big_number`, `verbatim_string`, `map` or `set` says.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { LuaState } from "./lua-module.ts";
import { BOOLEAN, type LuaVm, NIL, NUMBER, STRING, TABLE, toInteger } from "./lua-vm.ts";

/** A table, its field, a key and a value. */
const SLOTS = 6;
/** Of the name of a verbatim string's format, in RESP. */
const FORMAT_LENGTH = 3;
/** Deeper than this the stack of Lua ends. */
const MAX_DEPTH = 1300;

export class LuaToReply {
  private readonly vm: LuaVm;
  private readonly reply: ReplyWriter;
  /** Protocol that the script has chosen: says how booleans are told. */
  private scriptResp: 2 | 3 = 2;
  private depth = 0;

  constructor(vm: LuaVm, reply: ReplyWriter) {
    this.vm = vm;
    this.reply = reply;
  }

  /** Answers the value on top of the stack, and takes it away. */
  write(L: LuaState, scriptResp: 2 | 3): void {
    this.scriptResp = scriptResp;
    this.depth = 0;
    this.value(L);
  }

  private value(L: LuaState): void {
    const { vm, reply } = this;
    const { api } = vm;
    switch (api.lua_type(L, -1)) {
      case STRING:
        this.bulk(L);
        break;
      case NUMBER:
        this.integer(api.lua_tonumber(L, -1));
        break;
      case BOOLEAN:
        this.boolean(api.lua_toboolean(L, -1) === 1);
        break;
      case TABLE:
        if (this.depth >= MAX_DEPTH || api.lua_checkstack(L, SLOTS) === 0) {
          reply.error("ERR reached lua stack limit");
          break;
        }
        this.depth++;
        this.table(L);
        this.depth--;
        break;
      default:
        reply.null();
    }
    api.lua_settop(L, -2);
  }

  private bulk(L: LuaState): void {
    const { vm } = this;
    const address = vm.api.lua_tolstring(L, -1, vm.lengthAt);
    this.reply.bulkRange(vm.heap, address, vm.length);
  }

  private integer(value: number): void {
    const integer = toInteger(value);
    if (Number.isSafeInteger(integer)) this.reply.integer(integer);
    else this.reply.bigInteger(BigInt(integer));
  }

  private boolean(value: boolean): void {
    const { reply } = this;
    if (this.scriptResp === 3) reply.boolean(value);
    else if (value) reply.integer(1);
    else reply.null();
  }

  private table(L: LuaState): void {
    const { vm, reply } = this;
    const { api } = vm;
    if (this.has(L, "err", STRING)) {
      api.lua_settop(L, -2);
      this.error(L);
    } else if (this.has(L, "ok", STRING)) {
      reply.simple(cutAtZero(vm.text(L, -1)!));
      api.lua_settop(L, -2);
    } else if (this.has(L, "double", NUMBER)) {
      reply.double(api.lua_tonumber(L, -1));
      api.lua_settop(L, -2);
    } else if (this.has(L, "big_number", STRING)) {
      reply.bigNumber(vm.text(L, -1)!.replaceAll(/[\r\n]/g, " "));
      api.lua_settop(L, -2);
    } else if (this.has(L, "verbatim_string", TABLE)) {
      this.verbatim(L);
    } else if (this.has(L, "map", TABLE)) {
      this.map(L);
    } else if (this.has(L, "set", TABLE)) {
      this.set(L);
    } else {
      this.array(L);
    }
  }

  /** Pushes a field of the table on top if it is of that type. */
  private has(L: LuaState, name: string, type: number): boolean {
    const { vm } = this;
    vm.pushText(L, name);
    vm.api.lua_rawget(L, -2);
    if (vm.api.lua_type(L, -1) === type) return true;
    vm.api.lua_settop(L, -2);
    return false;
  }

  private error(L: LuaState): void {
    const { vm, reply } = this;
    const { text, isCounted } = errorOf(vm, L);
    const { onError } = reply;
    if (isCounted) reply.onError = undefined;
    reply.error(text);
    reply.onError = onError;
  }

  private verbatim(L: LuaState): void {
    const { vm, reply } = this;
    const { api } = vm;
    if (this.has(L, "format", STRING)) {
      const format = vm.text(L, -1)!.slice(0, FORMAT_LENGTH).padEnd(FORMAT_LENGTH, " ");
      api.lua_settop(L, -2);
      if (this.has(L, "string", STRING)) {
        const address = api.lua_tolstring(L, -1, vm.lengthAt);
        reply.verbatimBytes(vm.heap, address, vm.length, format);
        api.lua_settop(L, -3);
        return;
      }
    }
    api.lua_settop(L, -2);
    if (this.has(L, "map", TABLE)) this.map(L);
    else if (this.has(L, "set", TABLE)) this.set(L);
    else this.array(L);
  }

  private map(L: LuaState): void {
    const { api } = this.vm;
    const place = this.reply.end;
    let length = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_pushvalue(L, -2);
      this.value(L);
      this.value(L);
      length++;
    }
    this.reply.closeMap(place, length);
    api.lua_settop(L, -2);
  }

  private set(L: LuaState): void {
    const { api } = this.vm;
    const place = this.reply.end;
    let length = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_settop(L, -2);
      api.lua_pushvalue(L, -1);
      this.value(L);
      length++;
    }
    this.reply.closeSet(place, length);
    api.lua_settop(L, -2);
  }

  private array(L: LuaState): void {
    const { api } = this.vm;
    const place = this.reply.end;
    let length = 0;
    for (;;) {
      api.lua_rawgeti(L, -1, length + 1);
      if (api.lua_type(L, -1) === NIL) break;
      this.value(L);
      length++;
    }
    api.lua_settop(L, -2);
    this.reply.closeArray(place, length);
  }
}

/** What a table with the field `err` says. */
interface ScriptError {
  readonly text: string;
  readonly isCounted: boolean;
}

/** The error that the table on top of the stack stands for. */
export function errorOf(vm: LuaVm, L: LuaState): ScriptError {
  const { api } = vm;
  vm.pushText(L, "err");
  api.lua_rawget(L, -2);
  const text = vm.text(L, -1) ?? "ERR unknown error";
  api.lua_settop(L, -2);
  vm.pushText(L, "ignore_error_stats_update");
  api.lua_rawget(L, -2);
  const isCounted = api.lua_toboolean(L, -1) === 1;
  api.lua_settop(L, -2);
  return { text: cutAtZero(text), isCounted };
}

/** A text as C reads it. */
function cutAtZero(text: string): string {
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

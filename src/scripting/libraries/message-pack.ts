/**
 * The library cmsgpack: values of Lua as MessagePack. Integers take as few bytes as they can, other numbers 5 where a
 * float holds them and 9 where not; a table whose keys are 1 to n is an array; tables nested deeper than 16 become nil.
 */
import type { LuaState } from "../lua-module.ts";
import { BOOLEAN, type LuaVm, NUMBER, STRING, TABLE } from "../lua-vm.ts";
import { BytesOut } from "./bytes-out.ts";
import { MessageUnpacker } from "./message-unpacker.ts";

const MAX_NESTING = 16;
const INT_MAX = 2 ** 31 - 1;
const INT64_LIMIT = 2 ** 63;

/** Adds the functions to the table on top of the stack. */
export function installMessagePack(vm: LuaVm, L: LuaState): void {
  const unpacker = new MessageUnpacker(vm);
  vm.setFunction(L, "pack", new MessagePacker(vm).pack);
  vm.setFunction(L, "unpack", unpacker.unpack);
  vm.setFunction(L, "unpack_one", unpacker.unpackOne);
  vm.setFunction(L, "unpack_limit", unpacker.unpackLimit);
  vm.setText(L, "_NAME", "cmsgpack");
  vm.setText(L, "_VERSION", "lua-cmsgpack 0.4.0");
  vm.setText(L, "_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo");
  vm.setText(L, "_DESCRIPTION", "MessagePack C implementation for Lua");
}

class MessagePacker {
  private readonly vm: LuaVm;
  private readonly out = new BytesOut();

  constructor(vm: LuaVm) {
    this.vm = vm;
  }

  readonly pack = (L: LuaState): number => {
    const { vm, out } = this;
    const { api } = vm;
    const count = api.lua_gettop(L);
    if (count === 0) return vm.failArgument(L, 0, "MessagePack pack needs input.");
    out.reset();
    for (let i = 1; i <= count; i++) {
      api.luaL_checkstack(L, 1, vm.nameAt("in function mp_check"));
      api.lua_pushvalue(L, i);
      this.value(L, 0);
    }
    vm.pushBytes(L, out.buf, 0, out.end);
    return 1;
  };

  /** Packs the value on top of the stack, and takes it away. */
  private value(L: LuaState, level: number): void {
    const { vm, out } = this;
    const { api } = vm;
    const type = api.lua_type(L, -1);
    if (type === STRING) this.string(L);
    else if (type === NUMBER) this.number(api.lua_tonumber(L, -1));
    else if (type === BOOLEAN) out.byte(api.lua_toboolean(L, -1) === 1 ? 0xc3 : 0xc2);
    else if (type === TABLE && level < MAX_NESTING) this.table(L, level);
    else out.byte(0xc0);
    api.lua_settop(L, -2);
  }

  private string(L: LuaState): void {
    const { vm, out } = this;
    const address = vm.api.lua_tolstring(L, -1, vm.lengthAt);
    const { length } = vm;
    if (length < 32) out.byte(0xa0 | length);
    else if (length <= 0xff) this.header(0xd9, length, 1);
    else if (length <= 0xffff) this.header(0xda, length, 2);
    else this.header(0xdb, length, 4);
    out.bytes(vm.heap, address, length);
  }

  /** A type byte, and a number in so many bytes. */
  private header(type: number, value: number, bytes: 1 | 2 | 4): void {
    const { out } = this;
    out.reserve(1 + bytes);
    out.buf[out.end++] = type;
    out.end = out.buf.writeUIntBE(value, out.end, bytes);
  }

  private number(value: number): void {
    if (Number.isInteger(value) && value >= -INT64_LIMIT && value < INT64_LIMIT) {
      this.integer(value);
      return;
    }
    const { out } = this;
    out.reserve(9);
    if (Math.fround(value) === value) {
      out.buf[out.end++] = 0xca;
      out.end = out.buf.writeFloatBE(value, out.end);
    } else {
      out.buf[out.end++] = 0xcb;
      out.end = out.buf.writeDoubleBE(value, out.end);
    }
  }

  private integer(value: number): void {
    const { out } = this;
    if (value >= -32 && value <= 127) out.byte(value & 0xff);
    else if (value >= 0 && value <= 0xff) this.header(0xcc, value, 1);
    else if (value >= 0 && value <= 0xffff) this.header(0xcd, value, 2);
    else if (value >= 0 && value <= 0xffffffff) this.header(0xce, value, 4);
    else if (value < 0 && value >= -128) this.header(0xd0, value & 0xff, 1);
    else if (value < 0 && value >= -32768) this.header(0xd1, value & 0xffff, 2);
    else if (value < 0 && value >= -(2 ** 31)) this.header(0xd2, value >>> 0, 4);
    else {
      out.reserve(9);
      out.buf[out.end++] = value >= 0 ? 0xcf : 0xd3;
      out.end = out.buf.writeBigInt64BE(BigInt(value), out.end);
    }
  }

  private table(L: LuaState, level: number): void {
    const { vm } = this;
    vm.api.luaL_checkstack(L, 4, vm.nameAt("in function mp_encode_lua_table"));
    if (this.isArray(L)) this.array(L, level);
    else this.map(L, level);
  }

  /** Whether the keys are 1 to n. */
  private isArray(L: LuaState): boolean {
    const { api } = this.vm;
    let count = 0;
    let most = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_settop(L, -2);
      const key = api.lua_type(L, -1) === NUMBER ? api.lua_tonumber(L, -1) : 0;
      if (!(key > 0 && key <= INT_MAX && Number.isInteger(key))) {
        api.lua_settop(L, -2);
        return false;
      }
      most = Math.max(most, key);
      count++;
    }
    return most === count;
  }

  private array(L: LuaState, level: number): void {
    const { api } = this.vm;
    const length = api.lua_objlen(L, -1);
    if (length <= 15) this.out.byte(0x90 | length);
    else if (length <= 0xffff) this.header(0xdc, length, 2);
    else this.header(0xdd, length, 4);
    for (let i = 1; i <= length; i++) {
      api.lua_pushnumber(L, i);
      api.lua_rawget(L, -2);
      this.value(L, level + 1);
    }
  }

  private map(L: LuaState, level: number): void {
    const { api } = this.vm;
    let length = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_settop(L, -2);
      length++;
    }
    if (length <= 15) this.out.byte(0x80 | length);
    else if (length <= 0xffff) this.header(0xde, length, 2);
    else this.header(0xdf, length, 4);
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_pushvalue(L, -2);
      this.value(L, level + 1);
      this.value(L, level + 1);
    }
  }
}

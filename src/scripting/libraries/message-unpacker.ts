/**
 * The other half of the library cmsgpack: MessagePack as values of Lua.
 */
import type { LuaState } from "../lua-module.ts";
import { type LuaVm, NIL, toInteger } from "../lua-vm.ts";

const FINE = "";
const TOO_SHORT = "Missing bytes in input.";
const WRONG = "Bad data format in input.";

export class MessageUnpacker {
  private readonly vm: LuaVm;
  private position = 0;
  private end = 0;
  private failure = FINE;

  constructor(vm: LuaVm) {
    this.vm = vm;
  }

  readonly unpack = (L: LuaState): number => this.unpackSome(L, 0, 0);

  readonly unpackOne = (L: LuaState): number => {
    const offset = this.optional(L, 2);
    this.vm.api.lua_settop(L, 1);
    return this.unpackSome(L, 1, offset);
  };

  readonly unpackLimit = (L: LuaState): number => {
    const limit = this.vm.checkInteger(L, 2);
    const offset = this.optional(L, 3);
    this.vm.api.lua_settop(L, 1);
    return this.unpackSome(L, limit, offset);
  };

  private optional(L: LuaState, argument: number): number {
    const { api } = this.vm;
    return api.lua_type(L, argument) <= NIL ? 0 : toInteger(api.luaL_checknumber(L, argument));
  }

  /** `limit` values from `offset`; all there are if both are 0. With a limit the first result is the next offset, or
   * -1 at the end. */
  private unpackSome(L: LuaState, limit: number, offset: number): number {
    const { vm } = this;
    const { api } = vm;
    const start = api.luaL_checklstring(L, 1, vm.lengthAt);
    const { length } = vm;
    if (offset < 0 || limit < 0) {
      return vm.fail(L, `Invalid request to unpack with offset of ${offset} and limit of ${length}.`);
    }
    if (offset > length) return vm.fail(L, `Start offset ${offset} greater than input length ${length}.`);
    const isAll = limit === 0 && offset === 0;
    this.position = start + offset;
    this.end = start + length;
    this.failure = FINE;
    let count = 0;
    while (this.position < this.end && (isAll || count < limit)) {
      this.value(L);
      if (this.failure !== FINE) return vm.fail(L, this.failure);
      count++;
    }
    if (isAll) return count;
    api.luaL_checkstack(L, 1, vm.nameAt("in function mp_unpack_full"));
    api.lua_pushnumber(L, this.position === this.end ? -1 : this.position - start);
    api.lua_insert(L, 2);
    return count + 1;
  }

  /** Whether there are that many more bytes. */
  private has(length: number): boolean {
    if (this.end - this.position >= length) return true;
    this.failure = TOO_SHORT;
    return false;
  }

  /** Pushes the next value, if it is whole. */
  private value(L: LuaState): void {
    if (!this.has(1)) return;
    const { vm } = this;
    vm.api.luaL_checkstack(
      L,
      2,
      vm.nameAt("too many return values at once; use unpack_one or unpack_limit instead."),
    );
    const byte = vm.heap[this.position];
    if (byte <= 0x7f || byte >= 0xe0) this.number(L, 1, (byte << 24) >> 24);
    else if (byte >= 0xa0 && byte <= 0xbf) this.string(L, 1, byte & 0x1f);
    else if (byte >= 0x90 && byte <= 0x9f) this.array(L, 1, byte & 0xf);
    else if (byte <= 0x8f) this.map(L, 1, byte & 0xf);
    else this.typed(L, byte);
  }

  private typed(L: LuaState, byte: number): void {
    const { api } = this.vm;
    switch (byte) {
      case 0xc0:
        api.lua_pushnil(L);
        this.position++;
        return;
      case 0xc2:
      case 0xc3:
        api.lua_pushboolean(L, byte & 1);
        this.position++;
        return;
      case 0xcc:
        return this.unsigned(L, 1);
      case 0xcd:
        return this.unsigned(L, 2);
      case 0xce:
        return this.unsigned(L, 4);
      case 0xd0:
        return this.signed(L, 1);
      case 0xd1:
        return this.signed(L, 2);
      case 0xd2:
        return this.signed(L, 4);
      // An unsigned integer of 64 bits becomes a signed one, as Lua's are.
      case 0xcf:
      case 0xd3:
        if (this.has(9)) this.number(L, 9, Number(this.vm.heap.readBigInt64BE(this.position + 1)));
        return;
      case 0xca:
        if (this.has(5)) this.number(L, 5, this.vm.heap.readFloatBE(this.position + 1));
        return;
      case 0xcb:
        if (this.has(9)) this.number(L, 9, this.vm.heap.readDoubleBE(this.position + 1));
        return;
      default:
        this.aggregate(L, byte);
    }
  }

  private aggregate(L: LuaState, byte: number): void {
    const { heap } = this.vm;
    const sizes: Readonly<Record<number, number>> = {
      0xd9: 1,
      0xda: 2,
      0xdb: 4,
      0xdc: 2,
      0xdd: 4,
      0xde: 2,
      0xdf: 4,
    };
    const size = sizes[byte];
    if (size === undefined) {
      this.failure = WRONG;
      return;
    }
    if (!this.has(1 + size)) return;
    const length = heap.readUIntBE(this.position + 1, size);
    if (byte <= 0xdb) this.string(L, 1 + size, length);
    else if (byte <= 0xdd) this.array(L, 1 + size, length);
    else this.map(L, 1 + size, length);
  }

  private unsigned(L: LuaState, size: number): void {
    if (this.has(1 + size)) this.number(L, 1 + size, this.vm.heap.readUIntBE(this.position + 1, size));
  }

  private signed(L: LuaState, size: number): void {
    if (this.has(1 + size)) this.number(L, 1 + size, this.vm.heap.readIntBE(this.position + 1, size));
  }

  /** Pushes a number that was read from so many bytes. */
  private number(L: LuaState, bytes: number, value: number): void {
    this.vm.api.lua_pushnumber(L, value);
    this.position += bytes;
  }

  private string(L: LuaState, header: number, length: number): void {
    if (!this.has(header + length)) return;
    this.vm.api.lua_pushlstring(L, this.position + header, length);
    this.position += header + length;
  }

  private array(L: LuaState, header: number, length: number): void {
    const { api } = this.vm;
    this.position += header;
    api.lua_createtable(L, 0, 0);
    for (let i = 1; i <= length; i++) {
      this.value(L);
      if (this.failure !== FINE) return;
      api.lua_rawseti(L, -2, i);
    }
  }

  private map(L: LuaState, header: number, length: number): void {
    const { api } = this.vm;
    this.position += header;
    api.lua_createtable(L, 0, 0);
    for (let i = 0; i < length; i++) {
      this.value(L);
      if (this.failure !== FINE) return;
      this.value(L);
      if (this.failure !== FINE) return;
      api.lua_settable(L, -3);
    }
  }
}

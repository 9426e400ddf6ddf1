/**
 * The library struct: values of Lua as the bytes of C structures, with sizes, alignment and order of bytes as the
 * format says. Sizes are those of a 64-bit machine.
 *
 *     > <       order of bytes from here on      ![n]    alignment
 *     b B h H   integers of 1 and 2 bytes        l L T   of 8
 *     i[n] I[n] of n (4)                         f d     floating point
 *     c[n]      n (1) bytes of a string; 0: all, or as many as the number before says
 *     s         a string and a zero              x       a zero
 */
import type { LuaState } from "../lua-module.ts";
import { type LuaVm, NIL, toInteger } from "../lua-vm.ts";
import { BytesOut } from "./bytes-out.ts";

const MAX_INTEGER_BYTES = 32;
const MAX_ALIGNMENT = 8;
const INT_MAX = 2 ** 31 - 1;
const INTEGERS = "bBhHlLTiI";
const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

export function installStruct(vm: LuaVm, L: LuaState): void {
  const struct = new Struct(vm);
  vm.setFunction(L, "pack", struct.pack);
  vm.setFunction(L, "unpack", struct.unpack);
  vm.setFunction(L, "size", struct.size);
}

class Struct {
  private readonly vm: LuaVm;
  private readonly out = new BytesOut();
  private format = "";
  private place = 0;
  private isLittle = true;
  private alignment = 1;

  constructor(vm: LuaVm) {
    this.vm = vm;
  }

  readonly pack = (L: LuaState): number => {
    const { vm, out } = this;
    this.begin(L);
    out.reset();
    let argument = 2;
    while (this.place < this.format.length) {
      const option = this.format[this.place++];
      const size = this.optionSize(L, option);
      for (let i = this.padding(out.end, option, size); i > 0; i--) out.byte(0);
      if (INTEGERS.includes(option)) this.putInteger(vm.api.luaL_checknumber(L, argument++), size);
      else if (option === "x") out.byte(0);
      else if (option === "f" || option === "d") this.putDouble(vm.api.luaL_checknumber(L, argument++), size);
      else if (option === "c" || option === "s") this.putString(L, argument++, option, size);
      else this.control(L, option);
    }
    vm.pushBytes(L, out.buf, 0, out.end);
    return 1;
  };

  readonly unpack = (L: LuaState): number => {
    const { vm } = this;
    const { api } = vm;
    this.begin(L);
    const data = api.luaL_checklstring(L, 2, vm.lengthAt);
    const { length } = vm;
    const first = api.lua_type(L, 3) <= NIL ? 1 : toInteger(api.luaL_checknumber(L, 3));
    if (first === 0) return vm.failArgument(L, 3, "offset must be 1 or greater");
    // A negative offset is a huge one to C.
    let position = first < 0 ? Number.MAX_SAFE_INTEGER : first - 1;
    let results = 0;
    while (this.place < this.format.length) {
      const option = this.format[this.place++];
      let size = this.optionSize(L, option);
      position += this.padding(position, option, size);
      const check = () => {
        if (size > length || position > length - size) vm.failArgument(L, 2, "data string too short");
      };
      check();
      api.luaL_checkstack(L, 2, vm.nameAt("too many results"));
      if (INTEGERS.includes(option)) {
        api.lua_pushnumber(L, this.readInteger(data + position, option, size));
        results++;
      } else if (option === "f" || option === "d") {
        api.lua_pushnumber(L, this.readDouble(data + position, size));
        results++;
      } else if (option === "c") {
        if (size === 0) {
          if (results === 0 || api.lua_isnumber(L, -1) === 0) vm.fail(L, "format 'c0' needs a previous size");
          const wanted = toInteger(api.lua_tonumber(L, -1));
          size = wanted < 0 ? Number.MAX_SAFE_INTEGER : wanted;
          api.lua_settop(L, -2);
          results--;
          check();
        }
        api.lua_pushlstring(L, data + position, size);
        results++;
      } else if (option === "s") {
        const end = vm.heap.subarray(data + position, data + length).indexOf(0);
        if (end < 0) vm.fail(L, "unfinished string in data");
        api.lua_pushlstring(L, data + position, end);
        size = end + 1;
        results++;
      } else if (option !== "x") {
        this.control(L, option);
      }
      position += size;
    }
    api.lua_pushnumber(L, position + 1);
    return results + 1;
  };

  readonly size = (L: LuaState): number => {
    const { vm } = this;
    this.begin(L);
    let position = 0;
    while (this.place < this.format.length) {
      const option = this.format[this.place++];
      const size = this.optionSize(L, option);
      position += this.padding(position, option, size);
      if (option === "s") vm.failArgument(L, 1, "option 's' has no fixed size");
      if (option === "c" && size === 0) vm.failArgument(L, 1, "option 'c0' has no fixed size");
      if (!/[0-9A-Za-z]/.test(option)) this.control(L, option);
      position += size;
    }
    vm.api.lua_pushnumber(L, position);
    return 1;
  };

  /** Takes argument 1, up to its first zero, as the format. */
  private begin(L: LuaState): void {
    const { vm } = this;
    vm.api.luaL_checklstring(L, 1, vm.lengthAt);
    [this.format] = vm.text(L, 1)!.split("\0", 1);
    this.place = 0;
    this.isLittle = true;
    this.alignment = 1;
  }

  /** The number at the present place of the format, if there is one. */
  private digits(L: LuaState, otherwise: number): number {
    const start = this.place;
    let value = 0;
    while (/[0-9]/.test(this.format[this.place] ?? "")) {
      value = value * 10 + Number(this.format[this.place++]);
      if (value > INT_MAX) this.vm.fail(L, "integral size overflow");
    }
    return this.place === start ? otherwise : value;
  }

  private optionSize(L: LuaState, option: string): number {
    if (option === "c") return this.digits(L, 1);
    if (option !== "i" && option !== "I") return SIZES[option] ?? 0;
    const size = this.digits(L, 4);
    if (size > MAX_INTEGER_BYTES) {
      this.vm.fail(L, `integral size ${size} is larger than limit of ${MAX_INTEGER_BYTES}`);
    }
    return size;
  }

  /** Bytes before an element at `position`. */
  private padding(position: number, option: string, size: number): number {
    if (size === 0 || option === "c") return 0;
    const unit = Math.min(size, this.alignment);
    return (unit - (position & (unit - 1))) & (unit - 1);
  }

  private control(L: LuaState, option: string): void {
    if (option === " ") return;
    if (option === ">") this.isLittle = false;
    else if (option === "<") this.isLittle = true;
    else if (option === "!") {
      const alignment = this.digits(L, MAX_ALIGNMENT);
      if (alignment <= 0 || (alignment & (alignment - 1)) !== 0) {
        this.vm.fail(L, `alignment ${alignment} is not a power of 2`);
      }
      this.alignment = alignment;
    } else {
      this.vm.failArgument(L, 1, `invalid format option '${option}'`);
    }
  }

  private putInteger(value: number, size: number): void {
    const { out } = this;
    // What C does with a number beyond 64 bits.
    let rest = value < 0 ? BigInt(toInteger(value)) : toUnsigned(value);
    rest = BigInt.asUintN(64, rest);
    out.reserve(size);
    for (let i = 0; i < size; i++) {
      out.buf[out.end + (this.isLittle ? i : size - 1 - i)] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    out.end += size;
  }

  private putDouble(value: number, size: number): void {
    const { out } = this;
    out.reserve(size);
    const view = new DataView(out.buf.buffer, out.buf.byteOffset + out.end, size);
    if (size === 4) view.setFloat32(0, value, this.isLittle);
    else view.setFloat64(0, value, this.isLittle);
    out.end += size;
  }

  private putString(L: LuaState, argument: number, option: string, wanted: number): void {
    const { vm, out } = this;
    const address = vm.api.luaL_checklstring(L, argument, vm.lengthAt);
    const size = wanted === 0 ? vm.length : wanted;
    if (vm.length < size) vm.failArgument(L, argument + 1, "string too short");
    out.bytes(vm.heap, address, size);
    if (option === "s") out.byte(0);
  }

  private readInteger(address: number, option: string, size: number): number {
    const { heap } = this.vm;
    let value = 0n;
    for (let i = 0; i < size; i++) {
      const byte = heap[address + (this.isLittle ? size - 1 - i : i)];
      value = BigInt.asUintN(64, (value << 8n) | BigInt(byte));
    }
    if (option === option.toUpperCase()) return Number(value);
    return Number(BigInt.asIntN(Math.min(64, 8 * size), value));
  }

  private readDouble(address: number, size: number): number {
    const { heap } = this.vm;
    const view = new DataView(heap.buffer, heap.byteOffset + address, size);
    return size === 4 ? view.getFloat32(0, this.isLittle) : view.getFloat64(0, this.isLittle);
  }
}

function toUnsigned(value: number): bigint {
  if (Number.isNaN(value)) return 1n << 63n;
  return value < 2 ** 64 ? BigInt(Math.trunc(value)) : 0n;
}

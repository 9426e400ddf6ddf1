/**
 * The settings of cjson, and the functions by which scripts change them. As in Redis they belong to the library, and
 * hold for all scripts.
 */
import type { LuaState } from "../lua-module.ts";
import { BOOLEAN, type LuaVm, NIL } from "../lua-vm.ts";

const INT_MAX = 2 ** 31 - 1;
const SWITCH = ["off", "on"];
const INVALID_NUMBERS = ["off", "on", "null"];

export class JsonSettings {
  /** Excessively sparse arrays become objects; how sparse is excessive, and up to which size none is. */
  sparseConvert = 0;
  sparseRatio = 2;
  sparseSafe = 10;
  encodeMaxDepth = 1000;
  decodeMaxDepth = 1000;
  /** Significant digits. */
  precision = 14;
  keepBuffer = 1;
  /** 0: refused, 1: as they are, 2: as null. */
  encodeInvalidNumbers = 0;
  decodeInvalidNumbers = 1;

  /** Adds the functions to the table on top of the stack. */
  install(vm: LuaVm, L: LuaState): void {
    const { api } = vm;
    const define = (name: string, most: number, run: (state: LuaState) => number) =>
      vm.setFunction(L, name, (state) => {
        if (api.lua_gettop(state) > most) return vm.failArgument(state, most + 1, "found too many arguments");
        api.lua_settop(state, most);
        return run(state);
      });
    define("encode_sparse_array", 3, (state) => {
      this.sparseConvert = option(vm, state, 1, this.sparseConvert, SWITCH);
      this.sparseRatio = integer(vm, state, 2, this.sparseRatio, 0, INT_MAX);
      this.sparseSafe = integer(vm, state, 3, this.sparseSafe, 0, INT_MAX);
      return 3;
    });
    define("encode_max_depth", 1, (state) => {
      this.encodeMaxDepth = integer(vm, state, 1, this.encodeMaxDepth, 1, INT_MAX);
      return 1;
    });
    define("decode_max_depth", 1, (state) => {
      this.decodeMaxDepth = integer(vm, state, 1, this.decodeMaxDepth, 1, INT_MAX);
      return 1;
    });
    define("encode_number_precision", 1, (state) => {
      this.precision = integer(vm, state, 1, this.precision, 1, 14);
      return 1;
    });
    define("encode_keep_buffer", 1, (state) => {
      this.keepBuffer = option(vm, state, 1, this.keepBuffer, SWITCH);
      return 1;
    });
    define("encode_invalid_numbers", 1, (state) => {
      this.encodeInvalidNumbers = option(vm, state, 1, this.encodeInvalidNumbers, INVALID_NUMBERS);
      return 1;
    });
    define("decode_invalid_numbers", 1, (state) => {
      this.decodeInvalidNumbers = option(vm, state, 1, this.decodeInvalidNumbers, SWITCH);
      return 1;
    });
  }
}

/** The setting after the call; pushes it. */
function integer(
  vm: LuaVm,
  L: LuaState,
  argument: number,
  present: number,
  min: number,
  max: number,
): number {
  let value = present;
  if (vm.api.lua_type(L, argument) !== NIL) {
    value = vm.checkInteger(L, argument) | 0;
    if (value < min || value > max) vm.failArgument(L, 1, `expected integer between ${min} and ${max}`);
  }
  vm.api.lua_pushnumber(L, value);
  return value;
}

function option(vm: LuaVm, L: LuaState, argument: number, present: number, names: readonly string[]): number {
  const { api } = vm;
  let value = present;
  if (api.lua_type(L, argument) === BOOLEAN) {
    value = api.lua_toboolean(L, argument);
  } else if (api.lua_type(L, argument) !== NIL) {
    api.luaL_checklstring(L, argument, 0);
    const name = vm.text(L, argument)!;
    value = names.indexOf(name);
    if (value < 0) vm.failArgument(L, argument, `invalid option '${name}'`);
  }
  if (value < 2) api.lua_pushboolean(L, value);
  else vm.pushText(L, names[value]);
  return value;
}

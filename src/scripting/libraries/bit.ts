/**
 * The library bit: operations on 32 bits. A number counts by its lowest 32 bits, rounded to the nearest integer;
 * results are signed.
 */
import type { LuaState } from "../lua-module.ts";
import type { LuaVm } from "../lua-vm.ts";

/** Added to a double it leaves the integer in the lowest bits: 2^52 + 2^51. */
const MAGIC = 6_755_399_441_055_744;
const doubles = new Float64Array(1);
const halves = new Uint32Array(doubles.buffer);

export function installBit(vm: LuaVm, L: LuaState): void {
  const { api } = vm;
  const argument = (state: LuaState, i: number): number => {
    doubles[0] = api.lua_tonumber(state, i) + MAGIC;
    const bits = halves[0] | 0;
    if (bits === 0 && api.lua_isnumber(state, i) === 0) api.luaL_typerror(state, i, vm.nameAt("number"));
    return bits;
  };
  const define = (name: string, run: (state: LuaState) => number) =>
    vm.setFunction(L, name, (state) => {
      api.lua_pushnumber(state, run(state) | 0);
      return 1;
    });
  const fold = (name: string, operation: (a: number, b: number) => number) =>
    define(name, (state) => {
      let result = argument(state, 1);
      for (let i = api.lua_gettop(state); i > 1; i--) result = operation(result, argument(state, i));
      return result;
    });
  const shift = (name: string, operation: (bits: number, by: number) => number) =>
    define(name, (state) => {
      const bits = argument(state, 1);
      return operation(bits, argument(state, 2) & 31);
    });
  define("tobit", (state) => argument(state, 1));
  define("bnot", (state) => ~argument(state, 1));
  fold("band", (a, b) => a & b);
  fold("bor", (a, b) => a | b);
  fold("bxor", (a, b) => a ^ b);
  shift("lshift", (bits, by) => bits << by);
  shift("rshift", (bits, by) => bits >>> by);
  shift("arshift", (bits, by) => bits >> by);
  shift("rol", (bits, by) => (bits << by) | (by === 0 ? 0 : bits >>> (32 - by)));
  shift("ror", (bits, by) => (bits >>> by) | (by === 0 ? 0 : bits << (32 - by)));
  define("bswap", (state) => {
    const bits = argument(state, 1);
    return (bits >>> 24) | ((bits >>> 8) & 0xff00) | ((bits & 0xff00) << 8) | (bits << 24);
  });
  vm.setFunction(L, "tohex", (state) => {
    const bits = argument(state, 1);
    const wanted = api.lua_gettop(state) < 2 ? 8 : argument(state, 2);
    const digits = (bits >>> 0).toString(16).padStart(8, "0");
    const length = Math.min(8, Math.abs(wanted));
    const text = length === 0 ? "" : digits.slice(-length);
    vm.pushText(state, wanted < 0 ? text.toUpperCase() : text);
    return 1;
  });
}

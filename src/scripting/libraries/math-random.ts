/**
 * math.random and math.randomseed as Redis has them: the generator of drand48, so that a seed gives the same numbers on
 * all machines.
 */
import type { LuaState } from "../lua-module.ts";
import type { LuaVm } from "../lua-vm.ts";

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const INITIAL = 0x1234abcd330en;
const SEED_LOW = 0x330en;
const LARGEST = 2 ** 31 - 1;

/** Adds the functions to the table on top of the stack. */
export function installRandom(vm: LuaVm, L: LuaState, isRunning: () => boolean): void {
  const { api } = vm;
  let state48 = INITIAL;
  const next = () => {
    state48 = BigInt.asUintN(48, state48 * MULTIPLIER + INCREMENT);
    return (Number(state48 >> 17n) % LARGEST) / LARGEST;
  };
  const intArgument = (state: LuaState, i: number) =>
    Number(BigInt.asIntN(32, BigInt(vm.checkInteger(state, i))));
  vm.setFunction(L, "random", (state) => {
    if (!isRunning()) return vm.fail(state, "math.random can only be called inside a script invocation");
    const random = next();
    const count = api.lua_gettop(state);
    if (count > 2) return vm.fail(state, "wrong number of arguments");
    if (count === 0) {
      api.lua_pushnumber(state, random);
      return 1;
    }
    const low = count === 1 ? 1 : intArgument(state, 1);
    const high = intArgument(state, count);
    if (low > high) return vm.failArgument(state, count, "interval is empty");
    api.lua_pushnumber(state, Math.floor(random * (high - low + 1)) + low);
    return 1;
  });
  vm.setFunction(L, "randomseed", (state) => {
    if (!isRunning()) return vm.fail(state, "math.randomseed can only be called inside a script invocation");
    state48 = (BigInt.asUintN(32, BigInt(intArgument(state, 1))) << 16n) | SEED_LOW;
    return 0;
  });
}

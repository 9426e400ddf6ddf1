/**
 * Functions of Lua that work with C's `long` and `size_t`, which have 32 bits in WebAssembly and 64 where Redis runs:
 * here they give what they give there. Each stands before Lua's own and leaves the usual cases to it.
 */
import type { LuaFunction, LuaState } from "./lua-module.ts";
import { type LuaVm, NUMBER, toInt, toInteger } from "./lua-vm.ts";

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);
/** Shorter digits fit 32 bits in any base. */
const SHORT_DIGITS = 6;
const INT64_LIMIT = 2 ** 63;
const UINT64_MAX = 2n ** 64n - 1n;
/** A directive of string.format: flags, width, precision, conversion. */
const DIRECTIVE = /%([-+ #0]*)(\d*)(?:\.(\d*))?([A-Za-z%])/g;
const SIGNED = "di";
const UNSIGNED = "ouxX";

type Wrap = (original: LuaFunction) => LuaFunction;

/** By name, for the library `string`. */
export function stringFixes(vm: LuaVm): Readonly<Record<string, Wrap>> {
  const clamped =
    (...positions: number[]): Wrap =>
    (original) =>
    (L) => {
      for (const position of positions) clamp(vm, L, position);
      return original(L);
    };
  return {
    sub: clamped(2, 3),
    byte: clamped(2, 3),
    find: clamped(3),
    match: clamped(3),
    rep: clamped(2),
    gsub: (original) => (L) => {
      narrow(vm, L, 4);
      return original(L);
    },
    format: (original) => (L) => format(vm, L, original),
  };
}

/** A number beyond 32 bits becomes the last one within: behind all strings there are, either way. */
function clamp(vm: LuaVm, L: LuaState, position: number): void {
  const { api } = vm;
  if (api.lua_type(L, position) !== NUMBER) return;
  const value = api.lua_tonumber(L, position);
  if (!(value > INT_MAX || value < INT_MIN)) return;
  api.lua_pushnumber(L, value > 0 ? INT_MAX : INT_MIN);
  api.lua_replace(L, position);
}

/** A number beyond 32 bits becomes what C makes an int of. */
function narrow(vm: LuaVm, L: LuaState, position: number): void {
  const { api } = vm;
  if (api.lua_type(L, position) !== NUMBER) return;
  api.lua_pushnumber(L, toInt(api.lua_tonumber(L, position)));
  api.lua_replace(L, position);
}

/** string.format: integers of over 32 bits are formatted here, and given to Lua's own as text. */
function format(vm: LuaVm, L: LuaState, original: LuaFunction): number {
  const { api } = vm;
  const count = api.lua_gettop(L);
  let hasLarge = false;
  for (let i = 2; i <= count && !hasLarge; i++) {
    if (api.lua_isnumber(L, i) === 0) continue;
    const value = api.lua_tonumber(L, i);
    hasLarge = value > INT_MAX || value < 0;
  }
  const text = hasLarge ? vm.text(L, 1) : undefined;
  if (text === undefined) return original(L);
  let argument = 1;
  const changed = text.replace(
    DIRECTIVE,
    (directive, flags: string, width: string, precision, type: string) => {
      if (type === "%") return directive;
      argument++;
      const isSigned = SIGNED.includes(type);
      if (!isSigned && !UNSIGNED.includes(type)) return directive;
      if (argument > count || api.lua_isnumber(L, argument) === 0) return directive;
      const value = api.lua_tonumber(L, argument);
      if (value >= (isSigned ? INT_MIN : 0) && value <= INT_MAX) return directive;
      const integer = isSigned || value < INT64_LIMIT ? BigInt(toInteger(value)) : beyondSigned(value);
      vm.pushText(L, formatInteger(integer, flags, width, precision as string | undefined, type));
      api.lua_replace(L, argument);
      return "%s";
    },
  );
  vm.pushText(L, changed);
  api.lua_replace(L, 1);
  return original(L);
}

/** What C makes of a double of over 63 bits as an unsigned integer. */
function beyondSigned(value: number): bigint {
  return value < 2 * INT64_LIMIT ? BigInt(value) : 0n;
}

function formatInteger(
  value: bigint,
  flags: string,
  width: string,
  precision: string | undefined,
  type: string,
): string {
  const isSigned = SIGNED.includes(type);
  const magnitude = isSigned ? (value < 0n ? -value : value) : BigInt.asUintN(64, value);
  let digits = magnitude.toString(type === "o" ? 8 : type === "x" || type === "X" ? 16 : 10);
  if (type === "X") digits = digits.toUpperCase();
  if (precision !== undefined) digits = digits.padStart(Number(precision), "0");
  let prefix = "";
  if (isSigned) prefix = value < 0n ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  else if (flags.includes("#") && type !== "u") prefix = type === "o" ? "0" : `0${type}`;
  const wanted = Number(width);
  if (flags.includes("-")) return (prefix + digits).padEnd(wanted);
  if (flags.includes("0") && precision === undefined)
    return prefix + digits.padStart(wanted - prefix.length, "0");
  return (prefix + digits).padStart(wanted);
}

/** tonumber with a base: C's strtoul with 64 bits. */
export function toNumberFix(vm: LuaVm): Wrap {
  const { api } = vm;
  return (original) => (L) => {
    if (api.lua_gettop(L) < 2) return original(L);
    const text = vm.text(L, 1);
    const base = api.lua_tonumber(L, 2);
    if (text === undefined || text.length <= SHORT_DIGITS || base === 10 || !(base >= 2 && base <= 36)) {
      return original(L);
    }
    const value = parseUnsigned(text, Math.trunc(base));
    if (value === undefined) return original(L);
    api.lua_pushnumber(L, Number(value));
    return 1;
  };
}

function parseUnsigned(text: string, base: number): bigint | undefined {
  const [, sign, prefix, digits] = /^\s*([-+]?)(0[xX])?([0-9a-zA-Z]+)\s*$/.exec(text) ?? [];
  if (digits === undefined || (prefix !== undefined && base !== 16)) return undefined;
  let value = 0n;
  for (const character of digits) {
    const digit = Number.parseInt(character, 36);
    if (digit >= base) return undefined;
    value = value * BigInt(base) + BigInt(digit);
  }
  if (value > UINT64_MAX) return UINT64_MAX;
  return sign === "-" ? BigInt.asUintN(64, -value) : value;
}

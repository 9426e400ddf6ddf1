/**
 * cjson.encode: values of Lua as JSON. A table whose keys are all positive integers is an array, with null for what is
 * missing; an empty one is an object.
 */
import { formatGeneral } from "../../base/numbers.ts";
import type { LuaState } from "../lua-module.ts";
import { BOOLEAN, LIGHT_USERDATA, type LuaVm, NIL, NUMBER, STRING, TABLE } from "../lua-vm.ts";
import type { BytesOut } from "./bytes-out.ts";
import type { JsonSettings } from "./json-settings.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const DELETE = 0x7f;
const SPACE = 0x20;
const COMMA = 0x2c;
/** Most bytes that one byte becomes. */
const ESCAPE_BYTES = 6;
/** A key, a value and the text of an error. */
const SLOTS = 3;

/** What each byte of a string becomes, if not itself. */
const ESCAPES: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === QUOTE) return '\\"';
  if (byte === BACKSLASH) return "\\\\";
  if (byte === SLASH) return "\\/";
  if (byte >= SPACE && byte !== DELETE) return undefined;
  const short = ({ 8: "b", 9: "t", 10: "n", 12: "f", 13: "r" } as Record<number, string>)[byte];
  return short === undefined ? `\\u00${byte.toString(16).padStart(2, "0")}` : `\\${short}`;
});

export class JsonEncoder {
  private readonly vm: LuaVm;
  private readonly settings: JsonSettings;
  private readonly out: BytesOut;

  constructor(vm: LuaVm, settings: JsonSettings, out: BytesOut) {
    this.vm = vm;
    this.settings = settings;
    this.out = out;
  }

  /** The function as scripts call it. */
  readonly encode = (L: LuaState): number => {
    const { vm, out } = this;
    if (vm.api.lua_gettop(L) !== 1) return vm.failArgument(L, 1, "expected 1 argument");
    out.reset();
    this.value(L, 0);
    vm.pushBytes(L, out.buf, 0, out.end);
    return 1;
  };

  /** Of the value on top of the stack. */
  private value(L: LuaState, depth: number): void {
    const { out } = this;
    const { api } = this.vm;
    switch (api.lua_type(L, -1)) {
      case STRING:
        return this.string(L, -1);
      case NUMBER:
        return this.number(L, -1);
      case BOOLEAN:
        return out.text(api.lua_toboolean(L, -1) === 1 ? "true" : "false");
      case TABLE:
        return this.table(L, depth + 1);
      case NIL:
        return out.text("null");
      case LIGHT_USERDATA:
        if (api.lua_touserdata(L, -1) === 0) return out.text("null");
        break;
      default:
    }
    this.refuse(L, -1, "type not supported");
  }

  private table(L: LuaState, depth: number): void {
    const { vm, settings } = this;
    if (depth > settings.encodeMaxDepth || vm.api.lua_checkstack(L, SLOTS) === 0) {
      vm.fail(L, `Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.arrayLength(L);
    if (length > 0) this.array(L, length, depth);
    else this.object(L, depth);
  }

  /** Length of the array that the table is; -1 if it is none. */
  private arrayLength(L: LuaState): number {
    const { api } = this.vm;
    const { sparseConvert, sparseRatio, sparseSafe } = this.settings;
    let most = 0;
    let items = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const key = api.lua_type(L, -2) === NUMBER ? api.lua_tonumber(L, -2) : 0;
      if (!(key >= 1 && Math.floor(key) === key)) {
        api.lua_settop(L, -3);
        return -1;
      }
      if (key > most) most = key;
      items++;
      api.lua_settop(L, -2);
    }
    if (sparseRatio > 0 && most > items * sparseRatio && most > sparseSafe) {
      if (sparseConvert === 0) this.refuse(L, -1, "excessively sparse array");
      return -1;
    }
    return most;
  }

  private array(L: LuaState, length: number, depth: number): void {
    const { api } = this.vm;
    const { out } = this;
    out.text("[");
    for (let i = 1; i <= length; i++) {
      if (i > 1) out.byte(COMMA);
      api.lua_rawgeti(L, -1, i);
      this.value(L, depth);
      api.lua_settop(L, -2);
    }
    out.text("]");
  }

  private object(L: LuaState, depth: number): void {
    const { api } = this.vm;
    const { out } = this;
    let isFirst = true;
    out.text("{");
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      if (!isFirst) out.byte(COMMA);
      isFirst = false;
      const type = api.lua_type(L, -2);
      if (type === NUMBER) {
        out.text('"');
        this.number(L, -2);
        out.text('":');
      } else if (type === STRING) {
        this.string(L, -2);
        out.text(":");
      } else {
        this.refuse(L, -2, "table key must be a number or string");
      }
      this.value(L, depth);
      api.lua_settop(L, -2);
    }
    out.text("}");
  }

  private string(L: LuaState, index: number): void {
    const { vm, out } = this;
    const address = vm.api.lua_tolstring(L, index, vm.lengthAt);
    const end = address + vm.length;
    const { heap } = vm;
    out.reserve((end - address) * ESCAPE_BYTES + 2);
    const { buf } = out;
    let position = out.end;
    buf[position++] = QUOTE;
    for (let i = address; i < end; i++) {
      const escape = ESCAPES[heap[i]];
      if (escape === undefined) {
        buf[position++] = heap[i];
        continue;
      }
      for (let k = 0; k < escape.length; k++) buf[position++] = escape.charCodeAt(k);
    }
    buf[position++] = QUOTE;
    out.end = position;
  }

  private number(L: LuaState, index: number): void {
    const { out } = this;
    const { encodeInvalidNumbers, precision } = this.settings;
    const value = this.vm.api.lua_tonumber(L, index);
    if (!Number.isFinite(value)) {
      if (encodeInvalidNumbers === 0) this.refuse(L, index, "must not be NaN or Inf");
      if (encodeInvalidNumbers === 2) return out.text("null");
    }
    out.text(formatGeneral(value, precision));
  }

  private refuse(L: LuaState, index: number, reason: string): never {
    return this.vm.fail(L, `Cannot serialise ${this.vm.typeName(L, index)}: ${reason}`);
  }
}

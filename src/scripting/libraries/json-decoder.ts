/**
 * cjson.decode: JSON as values of Lua. null becomes a light userdata, since nil cannot lie in a table. Numbers are
 * what C's strtod takes, which is more than JSON allows, unless the settings refuse that.
 */
import { parseDoubleLeniently } from "../../base/numbers.ts";
import type { LuaState } from "../lua-module.ts";
import type { LuaVm } from "../lua-vm.ts";
import { BytesOut } from "./bytes-out.ts";
import type { JsonSettings } from "./json-settings.ts";

const OBJECT_BEGIN = "T_OBJ_BEGIN";
const OBJECT_END = "T_OBJ_END";
const ARRAY_BEGIN = "T_ARR_BEGIN";
const ARRAY_END = "T_ARR_END";
const TEXT = "T_STRING";
const NUMBER = "T_NUMBER";
const BOOLEAN = "T_BOOLEAN";
const NULL = "T_NULL";
const COLON = "T_COLON";
const COMMA = "T_COMMA";
const END = "T_END";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const MINUS = 0x2d;
const LOWER_U = 0x75;
const ZERO = 0x30;
const NINE = 0x39;

const SINGLE: Readonly<Record<number, string>> = {
  0x7b: OBJECT_BEGIN,
  0x7d: OBJECT_END,
  0x5b: ARRAY_BEGIN,
  0x5d: ARRAY_END,
  0x3a: COLON,
  0x2c: COMMA,
};
const ESCAPED: Readonly<Record<number, number>> = {
  [QUOTE]: QUOTE,
  [BACKSLASH]: BACKSLASH,
  0x2f: 0x2f,
  0x62: 8,
  0x74: 9,
  0x6e: 10,
  0x66: 12,
  0x72: 13,
  [LOWER_U]: LOWER_U,
};
/** What strtod takes: sign, then one of hexadecimal, decimal, infinity, no number. */
const C_NUMBER = new RegExp(
  String.raw`^[ \t\n\v\f\r]*([+-]?)(?:` +
    String.raw`(0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?)` +
    String.raw`|((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|(inf(?:inity)?)|(nan(?:\([0-9a-z_]*\))?))`,
  "i",
);
/** Longer numbers than this are read anew with more. */
const NUMBER_BYTES = 64;

export class JsonDecoder {
  private readonly vm: LuaVm;
  private readonly settings: JsonSettings;
  private readonly out = new BytesOut();
  private start = 0;
  private position = 0;
  private end = 0;
  private depth = 0;
  /** The present token: its kind, or what is wrong with it; where it begins. */
  private token: string = END;
  private tokenAt = 0;
  private number = 0;
  private truth = 0;

  constructor(vm: LuaVm, settings: JsonSettings) {
    this.vm = vm;
    this.settings = settings;
  }

  /** The function as scripts call it. */
  readonly decode = (L: LuaState): number => {
    const { vm } = this;
    const { api } = vm;
    if (api.lua_gettop(L) !== 1) return vm.failArgument(L, 1, "expected 1 argument");
    this.start = api.luaL_checklstring(L, 1, vm.lengthAt);
    this.end = this.start + vm.length;
    this.position = this.start;
    this.depth = 0;
    if (vm.length >= 2 && (this.at(0) === 0 || this.at(1) === 0)) {
      return vm.fail(L, "JSON parser does not support UTF-16 or UTF-32");
    }
    this.next();
    this.value(L);
    this.next();
    if (!this.is(END)) return this.expect(L, "the end");
    return 1;
  };

  /** The byte so far from the present one; 0 behind the end, where Lua keeps one. */
  private at(offset: number): number {
    const place = this.position + offset;
    return place < this.end ? this.vm.heap[place] : 0;
  }

  private is(kind: string): boolean {
    return this.token === kind;
  }

  private expect(L: LuaState, expected: string): never {
    return this.vm.fail(
      L,
      `Expected ${expected} but found ${this.token} at character ${this.tokenAt - this.start + 1}`,
    );
  }

  private descend(L: LuaState, slots: number): void {
    this.depth++;
    if (this.depth <= this.settings.decodeMaxDepth && this.vm.api.lua_checkstack(L, slots) !== 0) return;
    const character = this.position - this.start;
    this.vm.fail(L, `Found too many nested data structures (${this.depth}) at character ${character}`);
  }

  private value(L: LuaState): void {
    const { api } = this.vm;
    switch (this.token) {
      case TEXT:
        return this.vm.pushBytes(L, this.out.buf, 0, this.out.end);
      case NUMBER:
        return api.lua_pushnumber(L, this.number);
      case BOOLEAN:
        return api.lua_pushboolean(L, this.truth);
      case OBJECT_BEGIN:
        return this.object(L);
      case ARRAY_BEGIN:
        return this.array(L);
      case NULL:
        return api.lua_pushlightuserdata(L, 0);
      default:
        this.expect(L, "value");
    }
  }

  private object(L: LuaState): void {
    const { api } = this.vm;
    this.descend(L, 3);
    api.lua_createtable(L, 0, 0);
    this.next();
    while (!this.is(OBJECT_END)) {
      if (!this.is(TEXT)) this.expect(L, "object key string");
      this.vm.pushBytes(L, this.out.buf, 0, this.out.end);
      this.next();
      if (!this.is(COLON)) this.expect(L, "colon");
      this.next();
      this.value(L);
      api.lua_rawset(L, -3);
      this.next();
      if (this.is(OBJECT_END)) break;
      if (!this.is(COMMA)) this.expect(L, "comma or object end");
      this.next();
      // A comma before the end is wrong.
      if (this.is(OBJECT_END)) this.expect(L, "object key string");
    }
    this.depth--;
  }

  private array(L: LuaState): void {
    const { api } = this.vm;
    this.descend(L, 2);
    api.lua_createtable(L, 0, 0);
    this.next();
    for (let i = 1; !this.is(ARRAY_END); i++) {
      this.value(L);
      api.lua_rawseti(L, -2, i);
      this.next();
      if (this.is(ARRAY_END)) break;
      if (!this.is(COMMA)) this.expect(L, "comma or array end");
      this.next();
      if (this.is(ARRAY_END)) this.expect(L, "value");
    }
    this.depth--;
  }

  /** Reads the next token. */
  private next(): void {
    let byte = this.at(0);
    while (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) {
      this.position++;
      byte = this.at(0);
    }
    this.tokenAt = this.position;
    const single = SINGLE[byte];
    if (single !== undefined) {
      this.position++;
      this.token = single;
    } else if (byte === QUOTE) {
      this.string();
    } else if (byte === 0) {
      // As for C, a zero is the end.
      this.token = END;
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      if (this.settings.decodeInvalidNumbers === 0 && this.isInvalidNumber()) this.token = "invalid number";
      else this.readNumber();
    } else {
      this.word(byte);
    }
  }

  private word(byte: number): void {
    if (this.begins("true") || this.begins("false")) {
      this.token = BOOLEAN;
      this.truth = byte === 0x74 ? 1 : 0;
      this.position += this.truth === 1 ? 4 : 5;
    } else if (this.begins("null")) {
      this.token = NULL;
      this.position += 4;
    } else if (
      this.settings.decodeInvalidNumbers !== 0 &&
      (byte === PLUS || /[in]/i.test(String.fromCharCode(byte))) &&
      this.isInvalidNumber()
    ) {
      this.readNumber();
    } else {
      this.token = "invalid token";
    }
  }

  private begins(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.at(i) !== word.charCodeAt(i)) return false;
    return true;
  }

  /** What strtod takes, and JSON does not allow. */
  private isInvalidNumber(): boolean {
    if (this.at(0) === PLUS) return true;
    const offset = this.at(0) === MINUS ? 1 : 0;
    const first = this.at(offset);
    if (first === ZERO) {
      const second = this.at(offset + 1);
      return (second | 0x20) === 0x78 || (second >= ZERO && second <= NINE);
    }
    if (first <= NINE) return false;
    const word = String.fromCharCode(first, this.at(offset + 1), this.at(offset + 2)).toLowerCase();
    return word === "inf" || word === "nan";
  }

  private readNumber(): void {
    const { heap } = this.vm;
    let length = NUMBER_BYTES;
    let match: RegExpExecArray | null;
    for (;;) {
      const text = heap.toString("latin1", this.position, Math.min(this.end, this.position + length));
      match = C_NUMBER.exec(text);
      if (match === null || match[0].length < text.length || text.length < length) break;
      length *= 4;
    }
    if (match === null) {
      this.token = "invalid number";
      return;
    }
    const [whole, sign, hexadecimal, decimal, infinity] = match;
    let value = Number.NaN;
    if (decimal !== undefined) value = Number(decimal);
    else if (hexadecimal !== undefined) value = parseDoubleLeniently(hexadecimal);
    else if (infinity !== undefined) value = Number.POSITIVE_INFINITY;
    this.number = sign === "-" ? -value : value;
    this.token = NUMBER;
    this.position += whole.length;
  }

  /** A string in quotes, into `out`. */
  private string(): void {
    const { heap } = this.vm;
    const { out } = this;
    out.reset();
    out.reserve(this.end - this.position);
    const { buf } = out;
    let { end } = out;
    let position = this.position + 1;
    for (;;) {
      const byte = position < this.end ? heap[position] : 0;
      if (byte === QUOTE) break;
      if (byte === 0) return this.wrongString(position, "unexpected end of string");
      if (byte !== BACKSLASH) {
        buf[end++] = byte;
        position++;
        continue;
      }
      this.position = position;
      const escaped = ESCAPED[this.at(1)];
      if (escaped === undefined) return this.wrongString(position, "invalid escape code");
      if (escaped === LOWER_U) {
        const code = this.unicode();
        if (code < 0) return this.wrongString(position, "invalid unicode escape code");
        end = putUtf8(buf, end, code);
        position += code > 0xffff ? 12 : 6;
        continue;
      }
      buf[end++] = escaped;
      position += 2;
    }
    out.end = end;
    this.position = position + 1;
    this.token = TEXT;
  }

  private wrongString(position: number, reason: string): void {
    this.position = position;
    this.tokenAt = position;
    this.token = reason;
  }

  /** The character that the escape at the present position stands for, one or two UTF-16 units; -1 if it is wrong. */
  private unicode(): number {
    const high = this.hexadecimal(2);
    if (high < 0 || (high & 0xf800) !== 0xd800) return high;
    if ((high & 0x400) !== 0 || this.at(6) !== BACKSLASH || this.at(7) !== LOWER_U) return -1;
    const low = this.hexadecimal(8);
    if (low < 0 || (low & 0xfc00) !== 0xdc00) return -1;
    return (((high & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
  }

  private hexadecimal(offset: number): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const digit = Number.parseInt(String.fromCharCode(this.at(offset + i)), 16);
      if (Number.isNaN(digit)) return -1;
      value = value * 16 + digit;
    }
    return value;
  }
}

function putUtf8(buf: Buffer, position: number, code: number): number {
  let end = position;
  if (code <= 0x7f) {
    buf[end++] = code;
  } else if (code <= 0x7ff) {
    buf[end++] = (code >> 6) | 0xc0;
    buf[end++] = (code & 0x3f) | 0x80;
  } else if (code <= 0xffff) {
    buf[end++] = (code >> 12) | 0xe0;
    buf[end++] = ((code >> 6) & 0x3f) | 0x80;
    buf[end++] = (code & 0x3f) | 0x80;
  } else {
    buf[end++] = (code >> 18) | 0xf0;
    buf[end++] = ((code >> 12) & 0x3f) | 0x80;
    buf[end++] = ((code >> 6) & 0x3f) | 0x80;
    buf[end++] = (code & 0x3f) | 0x80;
  }
  return end;
}

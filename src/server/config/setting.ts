/**
 * What a directive is, and the kinds of value it can have. settings.ts lists the directives with these builders.
 *
 * Texts here are byte strings: one character a byte (latin1), so that a password or a file name of any bytes passes
 * through unchanged; `textOfBytes` and `bytesOfText` convert. A kind parses the arguments of one directive into a
 * value (what the server reads) and its canonical text (what CONFIG GET reports); defaults are written as text and
 * parsed the same way. The error texts are Redis 7.0's.
 */
import { isUtf8 } from "node:buffer";
import { SettingError } from "./config-error.ts";
import { INT_MAX, INT_MIN, LONG_MAX, parseInteger, parseMemory, UINT_MAX, ULONG_MAX } from "./numbers.ts";

/**
 * used: has its effect. stored: kept and reported, because clients ask for it, without an effect of its own.
 * ignored: known to Redis 7.0, without meaning here; a file that sets it to something else than the default gets a
 * warning.
 */
export type SettingStatus = "used" | "stored" | "ignored";

/** Traits that few directives have. */
export interface SettingTraits {
  /** A second name, as Redis has it. */
  readonly alias?: string;
  /** CONFIG SET refuses it. */
  readonly immutable?: boolean;
  /** Setting it to its present value is no error, though it is immutable. For directives that Redis does not have:
   * programs that set everything that CONFIG GET returns know which of Redis's directives to leave out, but not which
   * of these. */
  readonly toleratesSame?: boolean;
  /** Patterns of CONFIG GET do not find it. */
  readonly hidden?: boolean;
  /** CONFIG SET needs `enable-protected-configs`. */
  readonly protected?: boolean;
  /** CONFIG SET refuses it while the dataset is being loaded. */
  readonly deniedWhileLoading?: boolean;
  /** The value is kept out of SLOWLOG, MONITOR and the log. */
  readonly sensitive?: boolean;
  /** Setting it to its present value has an effect: the file that it names is read again. */
  readonly rereads?: boolean;
  /** What a plain number counts, for documentation. */
  readonly unit?: string;
}

/** A value in both of its forms. */
export interface Parsed<Value> {
  readonly value: Value;
  /** As CONFIG GET reports it: a byte string. */
  readonly text: string;
}

/** What a directive's parser may know besides its arguments. */
export interface ParseContext<Value> {
  /** The present value; undefined when the default itself is parsed. */
  readonly current: Value | undefined;
  /** An earlier line of the same start-up has set this directive already (`save` lines add up). */
  readonly isRepeated: boolean;
  /** The server is starting: a data folder that is not there is made. */
  readonly isStarting?: boolean;
}

export interface Setting<Value> extends SettingTraits {
  readonly kind: string;
  readonly status: SettingStatus;
  /** In configuration syntax; a function where it depends on the machine. */
  readonly initial: string | (() => string);
  /** Smallest and largest accepted number, as documentation writes them; or the accepted words. */
  readonly range?: string;
  /** Takes any number of arguments; a single one is split at its spaces. */
  readonly takesMany: boolean;
  /** Throws `SettingError`. */
  parse(args: readonly string[], context: ParseContext<Value>): Parsed<Value>;
}

/** The byte string of an argument; a JavaScript string counts as UTF-8. */
export function textOfBytes(bytes: Uint8Array | string): string {
  const buffer = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length).toString("latin1");
}

/** The bytes of a byte string. */
export function bytesOfText(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** The characters of a byte string that must be UTF-8, as names of files are here. */
export function decodeText(text: string): string {
  const bytes = bytesOfText(text);
  if (!isUtf8(bytes)) throw new SettingError("argument must be valid UTF-8");
  if (text.includes("\0")) throw new SettingError("argument must not contain a zero byte");
  return bytes.toString();
}

/** Puts a directive together from its parts; the kinds below and in special-settings.ts build on it. */
export function setting<Value>(
  parts: Pick<Setting<Value>, "kind" | "status" | "initial" | "parse"> & {
    readonly range?: string;
    readonly takesMany?: boolean;
  },
  traits: SettingTraits = {},
): Setting<Value> {
  return { takesMany: false, ...parts, ...traits };
}

/** `yes` or `no`. */
export function yesNo(
  status: SettingStatus,
  initial: "yes" | "no",
  traits?: SettingTraits,
): Setting<boolean> {
  const parse = ([argument = ""]: readonly string[]): Parsed<boolean> => {
    const text = argument.toLowerCase();
    if (text !== "yes" && text !== "no") throw new SettingError("argument must be 'yes' or 'no'");
    return { value: text === "yes", text };
  };
  return setting({ kind: "yes/no", status, initial, range: "yes, no", parse }, traits);
}

/** Bounds of a whole number, both included; `cap`: values beyond these are accepted and brought back to them. */
export interface IntegerTraits extends SettingTraits {
  readonly min?: bigint | number;
  readonly max?: bigint | number;
  readonly cap?: readonly [number, number];
}

/** A whole number, by default 0 to 2^31 - 1. Values beyond 2^53 are reported exactly and read rounded. */
export function integer(
  status: SettingStatus,
  initial: number,
  options: IntegerTraits = {},
): Setting<number> {
  const { min = 0, max = INT_MAX, cap, ...traits } = options;
  const parse = ([argument = ""]: readonly string[]): Parsed<number> => {
    const exact = parseInteger(argument);
    if (exact === undefined) throw new SettingError("argument couldn't be parsed into an integer");
    checkRange(exact, BigInt(min), BigInt(max));
    if (cap === undefined) return { value: Number(exact), text: argument };
    const value = Math.min(Math.max(Number(exact), cap[0]), cap[1]);
    return { value, text: String(value) };
  };
  const range = cap === undefined ? rangeText(BigInt(min), BigInt(max)) : `${cap[0]} to ${cap[1]}`;
  return setting({ kind: "integer", status, initial: String(initial), range, parse }, traits);
}

/** Bounds of a number of bytes, both included; `least`: smaller values are accepted and raised to it. */
export interface MemoryTraits extends Pick<IntegerTraits, "min" | "max">, SettingTraits {
  readonly least?: bigint;
}

/** Bytes, written with or without a unit; by default 0 to 2^63 - 1. */
export function memory(
  status: SettingStatus,
  initial: string | (() => string),
  options: MemoryTraits = {},
): Setting<number> {
  const { min = 0, max = LONG_MAX, least = 0n, ...traits } = options;
  const parse = ([argument = ""]: readonly string[]): Parsed<number> => {
    const exact = parseMemory(argument);
    if (exact === undefined) throw new SettingError("argument must be a memory value");
    checkRange(exact, BigInt(min), BigInt(max));
    const bytes = exact < least ? least : exact;
    return { value: Number(bytes), text: String(bytes) };
  };
  const range = rangeText(BigInt(min), BigInt(max));
  return setting({ kind: "memory", status, initial, range, parse }, traits);
}

/** Bytes, or with a `%` sign a share of `maxmemory` (0 to 100, read as a negative number, as Redis keeps it). */
export function memoryOrPercent(
  status: SettingStatus,
  initial: string,
  traits?: SettingTraits,
): Setting<number> {
  const parse = ([argument = ""]: readonly string[]): Parsed<number> => {
    const percent = argument.endsWith("%") ? parseInteger(argument.slice(0, -1)) : undefined;
    const exact = percent ?? parseMemory(argument);
    if (exact === undefined || exact < 0n)
      throw new SettingError("argument must be a memory or percent value");
    if (percent === undefined) {
      checkRange(exact, -100n, LONG_MAX);
      return { value: Number(exact), text: String(exact) };
    }
    if (percent > 100n) throw new SettingError("percentage argument must be less or equal to 100");
    // 0% is 0 bytes: a share of nothing has no sign to show.
    return percent === 0n ? { value: 0, text: "0" } : { value: -Number(percent), text: `${percent}%` };
  };
  return setting({ kind: "memory or percent", status, initial, parse }, traits);
}

/** File permissions, in octal. */
export function octal(
  status: SettingStatus,
  initial: string,
  max: number,
  traits?: SettingTraits,
): Setting<number> {
  const parse = ([argument = ""]: readonly string[]): Parsed<number> => {
    if (!/^[0-7]{1,20}$/.test(argument)) {
      throw new SettingError("argument couldn't be parsed as an octal number");
    }
    const value = Number.parseInt(argument, 8);
    if (value > max) throw new SettingError(`argument must be between 0 and ${max.toString(8)} inclusive`);
    return { value, text: value.toString(8) };
  };
  return setting({ kind: "octal", status, initial, range: `0 to ${max.toString(8)}`, parse }, traits);
}

/** One of several words, in any case. `synonyms` are accepted words that are reported as another one. */
export function enumeration<const Word extends string>(
  status: SettingStatus,
  initial: NoInfer<Word>,
  words: readonly Word[],
  options: SettingTraits & { readonly synonyms?: Readonly<Record<string, NoInfer<Word>>> } = {},
): Setting<Word> {
  const { synonyms, ...traits } = options;
  const parse = ([argument = ""]: readonly string[]): Parsed<Word> => {
    const lower = argument.toLowerCase();
    const word = words.find((candidate) => candidate === lower);
    if (word === undefined) throw unknownWord(words);
    const text = synonyms?.[word] ?? word;
    return { value: text, text };
  };
  return setting({ kind: "word", status, initial, range: words.join(", "), parse }, traits);
}

/** The error for a word outside the list; Redis cuts it at 255 characters. */
export function unknownWord(words: readonly string[]): SettingError {
  return new SettingError(`argument(s) must be one of the following: ${words.join(", ")}`.slice(0, 255));
}

/** Any text in UTF-8; `check` returns the reason to refuse one. */
export function text(
  status: SettingStatus,
  initial: string,
  options: SettingTraits & { readonly check?: (value: string) => string | undefined } = {},
): Setting<string> {
  const { check, ...traits } = options;
  const parse = ([argument = ""]: readonly string[]): Parsed<string> => {
    const value = decodeText(argument);
    const refusal = check?.(value);
    if (refusal !== undefined) throw new SettingError(refusal);
    return { value, text: argument };
  };
  return setting({ kind: "text", status, initial, parse }, traits);
}

/** Any bytes (passwords); no bytes mean "none". */
export function secret(status: SettingStatus, traits?: SettingTraits): Setting<Buffer> {
  const parse = ([argument = ""]: readonly string[]): Parsed<Buffer> => ({
    value: bytesOfText(argument),
    text: argument,
  });
  return setting({ kind: "bytes", status, initial: "", parse }, { sensitive: true, ...traits });
}

function checkRange(value: bigint, min: bigint, max: bigint): void {
  if (value < min || value > max) {
    throw new SettingError(`argument must be between ${min} and ${max} inclusive`);
  }
}

/** Bounds as documentation writes them: the largest values of C's types by their power of two. */
function rangeText(min: bigint, max: bigint): string {
  return `${boundText(min)} to ${boundText(max)}`;
}

function boundText(bound: bigint): string {
  if (bound === INT_MIN) return "-2^31";
  if (bound === INT_MAX) return "2^31 - 1";
  if (bound === UINT_MAX) return "2^32 - 1";
  if (bound === LONG_MAX) return "2^63 - 1";
  if (bound === ULONG_MAX) return "2^64 - 1";
  return bound > 0n && bound % (1n << 20n) === 0n ? `${bound >> 20n}mb` : String(bound);
}

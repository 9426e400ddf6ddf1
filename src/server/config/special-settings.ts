/**
 * The kinds of value that only one or two directives have: save points, buffer limits, addresses, the working
 * folder, event classes and the like. Syntax, canonical text and errors follow Redis 7.0 (config.c, notify.c).
 */
import { accessSync, constants, mkdirSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { getSystemErrorMap } from "node:util";
import { SettingError } from "./config-error.ts";
import { INT_MAX, LONG_MAX, parseInteger, parseMemory } from "./numbers.ts";
import {
  decodeText,
  type ParseContext,
  type Parsed,
  type Setting,
  type SettingStatus,
  type SettingTraits,
  setting,
  textOfBytes,
  unknownWord,
  yesNo,
} from "./setting.ts";

/** Save an RDB when `changes` writes happened within `seconds`. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/** `save 900 1 300 10`: pairs. At start-up several lines add up, and the first replaces the default; `save ""`
 * clears. */
export function savePoints(status: SettingStatus, initial: string): Setting<readonly SavePoint[]> {
  const parse = (
    args: readonly string[],
    context: ParseContext<readonly SavePoint[]>,
  ): Parsed<readonly SavePoint[]> => {
    const words = args.length === 1 && args[0] === "" ? [] : args;
    const added: SavePoint[] = [];
    for (let at = 0; at < words.length; at += 2) {
      const seconds = parseInteger(words[at] ?? "");
      const changes = parseInteger(words[at + 1] ?? "");
      const isValid = seconds !== undefined && seconds >= 1n && changes !== undefined && changes >= 0n;
      if (!isValid || seconds > LONG_MAX / 1000n || changes > INT_MAX) {
        throw new SettingError("Invalid save parameters");
      }
      added.push({ seconds: Number(seconds), changes: Number(changes) });
    }
    const earlier = context.isRepeated && words.length > 0 ? (context.current ?? []) : [];
    const value = [...earlier, ...added];
    return { value, text: value.map((point) => `${point.seconds} ${point.changes}`).join(" ") };
  };
  const range = 'pairs of seconds from 1 and changes from 0, or ""';
  return setting({ kind: "save points", status, initial, range, takesMany: true, parse });
}

/** When to close a client that does not read its replies. 0: no limit. */
export interface OutputBufferLimit {
  readonly hardLimitBytes: number;
  readonly softLimitBytes: number;
  /** How long the soft limit may be exceeded. */
  readonly softSeconds: number;
}

/** One limit for each class of clients. */
export type OutputBufferLimits = Readonly<Record<"normal" | "replica" | "pubsub", OutputBufferLimit>>;

/** `<class> <hard> <soft> <seconds>`, once or several times; classes that are not named keep their limits. */
export function outputBufferLimits(status: SettingStatus, initial: string): Setting<OutputBufferLimits> {
  const none: OutputBufferLimit = { hardLimitBytes: 0, softLimitBytes: 0, softSeconds: 0 };
  const parse = (
    args: readonly string[],
    context: ParseContext<OutputBufferLimits>,
  ): Parsed<OutputBufferLimits> => {
    if (args.length % 4 !== 0) {
      throw new SettingError("Wrong number of arguments in buffer limit configuration.");
    }
    const limits = { ...(context.current ?? { normal: none, replica: none, pubsub: none }) };
    for (let at = 0; at < args.length; at += 4) {
      limits[clientClass(args[at] as string)] = parseLimit(args.slice(at + 1, at + 4));
    }
    const texts = Object.entries(limits).map(
      // CONFIG GET still says "slave", and so must we: monitoring parses it.
      ([name, { hardLimitBytes, softLimitBytes, softSeconds }]) =>
        `${name === "replica" ? "slave" : name} ${hardLimitBytes} ${softLimitBytes} ${softSeconds}`,
    );
    return { value: limits, text: texts.join(" ") };
  };
  const range = "class (normal, replica, pubsub), hard limit, soft limit, seconds";
  return setting({ kind: "buffer limits", status, initial, range, takesMany: true, parse });
}

function clientClass(name: string): keyof OutputBufferLimits {
  const lower = name.toLowerCase();
  if (lower === "slave" || lower === "replica") return "replica";
  if (lower === "normal" || lower === "pubsub") return lower;
  throw new SettingError("Invalid client class specified in buffer limit configuration.");
}

function parseLimit([hardText = "", softText = "", secondsText = ""]: readonly string[]): OutputBufferLimit {
  const hard = parseMemory(hardText);
  const soft = parseMemory(softText);
  const seconds = parseInteger(secondsText);
  // Beyond 2^53 the limit could not be reported exactly; no buffer gets there.
  const isValid = hard !== undefined && soft !== undefined && seconds !== undefined && seconds >= 0n;
  const isTooLarge = (bytes: bigint) => bytes > BigInt(Number.MAX_SAFE_INTEGER);
  if (!isValid || isTooLarge(hard) || isTooLarge(soft) || seconds > INT_MAX) {
    throw new SettingError("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
  }
  return { hardLimitBytes: Number(hard), softLimitBytes: Number(soft), softSeconds: Number(seconds) };
}

const ADDRESSES_MAX = 16;

/** Addresses to listen on: a leading `-` makes one optional, `*` and `::*` mean all of IPv4 and of IPv6. */
export function addresses(status: SettingStatus, initial: string): Setting<readonly string[]> {
  const parse = (args: readonly string[]): Parsed<readonly string[]> => {
    if (args.length > ADDRESSES_MAX) throw new SettingError("Too many bind addresses specified.");
    const value = args.length === 1 && args[0] === "" ? [] : args.map(decodeText);
    return { value, text: value.length === 0 ? "" : args.join(" ") };
  };
  const range = `up to ${ADDRESSES_MAX} addresses`;
  return setting({ kind: "addresses", status, initial, range, takesMany: true, parse });
}

/** CONFIG SET refuses it, as in a Redis whose allocator cannot do it. A file that was written for another Redis may
 * contain it all the same. */
export function activeDefragmentation(): Setting<boolean> {
  const plain = yesNo("ignored", "no");
  const parse = (args: readonly string[], context: ParseContext<boolean>): Parsed<boolean> => {
    const parsed = plain.parse(args, context);
    if (parsed.value && context.isStarting !== true) {
      throw new SettingError(
        "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one shipped by default with the Redis source distribution",
      );
    }
    return parsed;
  };
  return { ...plain, parse };
}

/** A folder, kept as its absolute path; a relative one starts from the present value. At the start it is created if
 * need be, by CONFIG SET it must exist. */
export function folder(status: SettingStatus, traits: SettingTraits): Setting<string> {
  const parse = ([argument = ""]: readonly string[], context: ParseContext<string>): Parsed<string> => {
    // Not the present folder, which `resolve` would make of it.
    if (argument === "") throw new SettingError("No such file or directory");
    const path = resolve(context.current ?? process.cwd(), decodeText(argument));
    if (context.isStarting === true) createFolder(path);
    const value = existingFolder(path);
    return { value, text: textOfBytes(value) };
  };
  return setting({ kind: "folder", status, initial: ".", parse }, traits);
}

/** Whatever is wrong with the path shows when it is looked at next. */
function createFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch {
    // See above.
  }
}

function existingFolder(path: string): string {
  try {
    const real = realpathSync(path);
    if (!statSync(real).isDirectory()) throw new SettingError("Not a directory");
    accessSync(real, constants.X_OK);
    return real;
  } catch (error) {
    if (error instanceof SettingError) throw error;
    throw new SettingError(systemErrorText(error), { cause: error });
  }
}

/** A system error in the words of C's strerror, for example "No such file or directory". */
export function systemErrorText(error: unknown): string {
  const number = (error as NodeJS.ErrnoException).errno;
  const [, words] = (number === undefined ? undefined : getSystemErrorMap().get(number)) ?? [
    "",
    String(error),
  ];
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const EVENT_CLASSES = "g$lshzxetd";

/**
 * Classes of keyspace events; the value holds each class once, `A` written out. Like Redis, the canonical text drops
 * `n` where it says `A`, and orders the letters.
 */
export function eventClasses(status: SettingStatus): Setting<string> {
  const parse = ([argument = ""]: readonly string[]): Parsed<string> => {
    if (!/^[Ag$lshzxeKEtmdn]*$/.test(argument)) {
      throw new SettingError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    const written = argument.replaceAll("A", () => EVENT_CLASSES);
    const pick = (letters: string): string =>
      letters
        .split("")
        .filter((letter) => written.includes(letter))
        .join("");
    const all = pick(EVENT_CLASSES);
    const shown = all === EVENT_CLASSES ? "A" : all + pick("n");
    return { value: all + pick("nKEm"), text: shown + pick("KEm") };
  };
  return setting({ kind: "event classes", status, initial: "", parse });
}

/** Several numbers between `min` and `max`, exactly `count` of them. */
export function numbers(
  status: SettingStatus,
  initial: string,
  count: number,
  refusal: string,
): Setting<number[]> {
  const parse = (args: readonly string[]): Parsed<number[]> => {
    if (args.length !== count) throw new SettingError("wrong number of arguments");
    const value = args.map((argument) => {
      const number = parseInteger(argument);
      if (number === undefined || number < -2000n || number > 2000n) throw new SettingError(refusal);
      return Number(number);
    });
    return { value, text: value.join(" ") };
  };
  return setting({ kind: "numbers", status, initial, takesMany: true, parse });
}

/** Any count of percentiles, 0 to 100. */
export function percentiles(status: SettingStatus, initial: string): Setting<readonly number[]> {
  const parse = (args: readonly string[]): Parsed<readonly number[]> => {
    const words = args.length === 1 && args[0] === "" ? [] : args;
    const value = words.map((word) => {
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word)) {
        throw new SettingError("Invalid latency-tracking-info-percentiles parameters");
      }
      const percentile = Number(word);
      if (percentile < 0 || percentile > 100) {
        throw new SettingError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
      }
      return percentile;
    });
    return { value, text: value.map((percentile) => String(Number(percentile.toFixed(6)))).join(" ") };
  };
  return setting({ kind: "percentiles", status, initial, takesMany: true, parse });
}

/** Any of several words together, in any order; the first word means none of the others. */
export function flags<const Word extends string>(
  status: SettingStatus,
  initial: NoInfer<Word>,
  words: readonly Word[],
  check: (value: readonly Word[]) => string | undefined,
): Setting<readonly Word[]> {
  const parse = (args: readonly string[]): Parsed<readonly Word[]> => {
    const given = new Set(args.map((argument) => argument.toLowerCase()));
    const isKnown = [...given].every((word) => (words as readonly string[]).includes(word));
    if (given.size === 0 || !isKnown) throw unknownWord(words);
    const value = words.slice(1).filter((word) => given.has(word));
    const refusal = check(value);
    if (refusal !== undefined) throw new SettingError(refusal);
    return { value, text: value.length === 0 ? (words[0] as string) : value.join(" ") };
  };
  return setting({ kind: "words", status, initial, range: words.join(", "), takesMany: true, parse });
}

/** `<host> <port>` of the master, or `no one`. */
export function masterAddress(status: SettingStatus, traits: SettingTraits): Setting<string> {
  const parse = (args: readonly string[], context: ParseContext<string>): Parsed<string> => {
    // The default: no master. Only `no one` can say so in a file.
    if (context.current === undefined) return { value: "", text: "" };
    if (args.length !== 2) throw new SettingError("wrong number of arguments");
    const [host = "", portText = ""] = args;
    if (host.toLowerCase() === "no" && portText.toLowerCase() === "one") return { value: "", text: "" };
    const port = parseInteger(portText);
    if (port === undefined || port < 0n || port > 65535n) throw new SettingError("Invalid master port");
    const text = `${host} ${port}`;
    return { value: decodeText(text), text };
  };
  return setting({ kind: "master", status, initial: "", takesMany: true, parse }, traits);
}

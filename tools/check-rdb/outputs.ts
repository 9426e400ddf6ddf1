/** What the keys of an RDB file are written to: another RDB file, commands, or lines of JSON. */
import { isUtf8 } from "node:buffer";
import { printable } from "../../src/persistence/aof/salvage-run.ts";
import { typeName } from "../../src/persistence/rdb/format.ts";
import type { RdbEntry } from "../../src/persistence/rdb/reader.ts";
import type { FileWriter } from "../shared/file-writer.ts";
import { KeyWriter } from "../shared/key-writer.ts";
import { RdbOutput } from "../shared/rdb-output.ts";
import { ValueHolder } from "../shared/value-holder.ts";
import { ConversionError, Converter } from "./conversion.ts";

type Argument = string | Buffer | number;

/** Takes a file's contents in their order. */
export interface Output {
  aux(name: Buffer, value: Buffer): Promise<void>;
  function(code: Buffer): Promise<void>;
  entry(entry: RdbEntry): Promise<void>;
  end(): Promise<void>;
  /** What was left out, or changed. */
  readonly remarks: readonly string[];
}

const MODULE_TYPE = 7;
/** Bytes made JSON at once; a multiple of 3, since base64 makes four characters of three. */
const PIECE_BYTES = 3 << 16;
/** Remarks about single keys: the others are counted. */
const REMARKS_MAX = 100;

abstract class RemarkingOutput {
  readonly remarks: string[] = [];
  #more = 0;

  protected remark(text: string): void {
    if (this.remarks.length < REMARKS_MAX) this.remarks.push(text);
    else this.#more++;
  }

  protected finishRemarks(): void {
    if (this.#more > 0) this.remarks.push(`and ${this.#more} more of that kind`);
  }
}

/** An RDB file of some version. Values that it cannot hold are left out, with a remark. */
export class RdbFileOutput extends RemarkingOutput implements Output {
  readonly #output: RdbOutput;
  readonly #converter: Converter;

  private constructor(output: RdbOutput, dropsFieldTimes: boolean) {
    super();
    this.#output = output;
    this.#converter = new Converter(new ValueHolder(), output.version, dropsFieldTimes);
  }

  static async begin(writer: FileWriter, version: number, dropsFieldTimes: boolean): Promise<RdbFileOutput> {
    const output = new RdbOutput(writer, version);
    await output.begin();
    return new RdbFileOutput(output, dropsFieldTimes);
  }

  aux(name: Buffer, value: Buffer): Promise<void> {
    return this.#output.aux(name, value);
  }

  async function(code: Buffer): Promise<void> {
    if (!(await this.#output.function(code)))
      this.remark(`Functions are left out: RDB version ${this.#output.version} has none`);
  }

  async entry(entry: RdbEntry): Promise<void> {
    if (entry.value !== undefined) {
      await this.#output.string(entry, entry.value);
      return;
    }
    try {
      const { type, payload } = this.#converter.convert(entry);
      await this.#output.packed(entry, type, payload);
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      const version = `RDB version ${this.#output.version} cannot hold ${error.message}`;
      this.remark(`Key '${printable(entry.key)}' of database ${entry.db} is left out: ${version}`);
    }
  }

  async end(): Promise<void> {
    const { fieldTimesDropped } = this.#converter;
    if (fieldTimesDropped > 0)
      this.remark(`Fields of ${fieldTimesDropped} hashes lost the times at which they expire`);
    this.finishRemarks();
    await this.#output.end();
  }
}

/** Commands that make the keys: a stock append-only file. */
export class AofOutput extends RemarkingOutput implements Output {
  readonly #commands: KeyWriter;
  readonly #holder = new ValueHolder();

  constructor(writer: FileWriter) {
    super();
    this.#commands = new KeyWriter(writer);
  }

  async aux(): Promise<void> {}

  function(code: Buffer): Promise<void> {
    return this.#commands.function(code);
  }

  async entry(entry: RdbEntry): Promise<void> {
    const { db, key, expireMs, value, type } = entry;
    if (type === MODULE_TYPE) {
      this.remark(`Key '${printable(key)}' of database ${db} is left out: it is a module's`);
      return;
    }
    await this.#commands.key(
      db,
      key,
      (sink) => {
        if (value === undefined) this.#holder.rewrite(entry, sink);
        else sink("SET", key, value);
      },
      expireMs,
    );
  }

  async end(): Promise<void> {
    await this.#commands.end();
    this.finishRemarks();
  }
}

/**
 * One JSON object per key and line: {"db", "key", "type", "expireMs", "value"}. Text that is not UTF-8 becomes
 * {"base64": "..."}. value: a text; an array of texts (list, set); of [member, score] (zset); of [field, value] or
 * [field, value, expireMs] (hash); of [id, [field, value, ...]] (stream, whose groups are commands in "groups").
 */
export class JsonOutput extends RemarkingOutput implements Output {
  readonly #writer: FileWriter;
  readonly #holder = new ValueHolder();

  constructor(writer: FileWriter) {
    super();
    this.#writer = writer;
  }

  async aux(): Promise<void> {}

  async function(code: Buffer): Promise<void> {
    await this.#line({ function: code });
  }

  async entry(entry: RdbEntry): Promise<void> {
    const { db, key, expireMs, type } = entry;
    const head = {
      db,
      key,
      type: typeName(type) ?? null,
      ...(expireMs === undefined ? {} : { expireMs }),
    };
    if (entry.value !== undefined) {
      await this.#line({ ...head, value: entry.value });
    } else if (type === MODULE_TYPE) {
      this.remark(`Key '${printable(key)}' of database ${db} has no value in JSON: it is a module's`);
      await this.#line({ ...head, value: null });
    } else {
      await this.#collection(head, entry);
    }
  }

  async end(): Promise<void> {
    this.finishRemarks();
  }

  async #line(object: Json): Promise<void> {
    await this.#write(jsonPieces(object));
    await this.#write(["\n"]);
  }

  async #write(pieces: Iterable<string>): Promise<void> {
    let text = "";
    for (const piece of pieces) {
      text += piece;
      if (text.length < PIECE_BYTES) continue;
      await this.#writer.write(Buffer.from(text));
      text = "";
    }
    await this.#writer.write(Buffer.from(text));
  }

  async #collection(head: { readonly [name: string]: Json }, entry: RdbEntry): Promise<void> {
    const commands: Argument[][] = [];
    // What is shown may be used again when the next command comes.
    this.#holder.rewrite(entry, (...args) => {
      commands.push(args.map((arg) => (Buffer.isBuffer(arg) ? Buffer.from(arg) : arg)));
    });
    const times = new Map<string, number>();
    const groups: Json[] = [];
    for (const args of commands) {
      if (args[0] === "HPEXPIREAT") times.set(bytesOf(args[5]).toString("latin1"), Number(args[2]));
      else if (["XSETID", "XGROUP", "XCLAIM"].includes(String(args[0]))) groups.push(args.map(bytesOf));
    }
    const value = elementsOfAll(commands, times);
    await this.#line({ ...head, value, ...(groups.length === 0 ? {} : { groups }) });
  }
}

/** What JSON is made of. Bytes become a text, or where they are no UTF-8 {"base64": "..."}. */
type Json = string | number | null | Buffer | Iterable<Json> | { readonly [name: string]: Json };

function* elementsOfAll(
  commands: readonly Argument[][],
  times: ReadonlyMap<string, number>,
): Generator<Json> {
  for (const args of commands) yield* elementsOf(args, times);
}

function elementsOf(args: readonly Argument[], times: ReadonlyMap<string, number>): Json[] {
  const elements: Json[] = [];
  switch (args[0]) {
    case "RPUSH":
    case "SADD":
      return args.slice(2).map(bytesOf);
    case "ZADD":
      for (let i = 2; i < args.length; i += 2) elements.push([bytesOf(args[i + 1]), scoreOf(args[i])]);
      return elements;
    case "HMSET":
      for (let i = 2; i < args.length; i += 2) {
        const time = times.get(bytesOf(args[i]).toString("latin1"));
        const pair = [bytesOf(args[i]), bytesOf(args[i + 1])];
        elements.push(time === undefined ? pair : [...pair, time]);
      }
      return elements;
    case "XADD":
      // An empty stream begins with an entry that is trimmed at once.
      return args[2] === "MAXLEN" ? [] : [[bytesOf(args[2]), args.slice(3).map(bytesOf)]];
    default:
      return [];
  }
}

function bytesOf(argument: Argument): Buffer {
  return Buffer.isBuffer(argument) ? argument : Buffer.from(String(argument), "latin1");
}

/** JSON has no infinity. */
function scoreOf(argument: Argument): Json {
  const text = bytesOf(argument).toString("latin1");
  const score = Number(text);
  return Number.isFinite(score) ? score : text;
}

/** The text of `json` in pieces: as one it may be longer than a JavaScript string can be. */
function* jsonPieces(json: Json): Generator<string> {
  if (Buffer.isBuffer(json)) {
    yield* textPieces(json);
  } else if (typeof json !== "object" || json === null) {
    yield JSON.stringify(json);
  } else if (isList(json)) {
    yield "[";
    let isFirst = true;
    for (const element of json) {
      if (!isFirst) yield ",";
      yield* jsonPieces(element);
      isFirst = false;
    }
    yield "]";
  } else {
    for (const [i, [name, value]] of Object.entries(json).entries()) {
      yield `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`;
      yield* jsonPieces(value);
    }
    yield "}";
  }
}

function isList(json: object): json is Iterable<Json> {
  return Symbol.iterator in json;
}

function* textPieces(bytes: Buffer): Generator<string> {
  const isText = isUtf8(bytes);
  yield isText ? '"' : '{"base64":"';
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + PIECE_BYTES, bytes.length);
    // Not within a character.
    if (isText) while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
    yield isText
      ? JSON.stringify(bytes.toString("utf8", start, end)).slice(1, -1)
      : bytes.toString("base64", start, end);
    start = end;
  }
  yield isText ? '"' : '"}';
}

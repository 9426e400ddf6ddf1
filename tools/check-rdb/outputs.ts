/** What the keys of an RDB file are written to: another RDB file, commands, or lines of JSON. */
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
    await this.#line({ function: textOf(code) });
  }

  async entry(entry: RdbEntry): Promise<void> {
    const { db, key, expireMs, type } = entry;
    const head = {
      db,
      key: textOf(key),
      type: typeName(type),
      ...(expireMs === undefined ? {} : { expireMs }),
    };
    if (entry.value !== undefined) {
      await this.#line({ ...head, value: textOf(entry.value) });
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

  async #line(object: object): Promise<void> {
    await this.#writer.write(Buffer.from(`${JSON.stringify(object)}\n`));
  }

  /** Element by element: a large collection need not be one text. */
  async #collection(head: object, entry: RdbEntry): Promise<void> {
    await this.#writer.write(Buffer.from(`${JSON.stringify(head).slice(0, -1)},"value":[`));
    const commands: Argument[][] = [];
    // What is shown may be used again when the next command comes.
    this.#holder.rewrite(entry, (...args) => {
      commands.push(args.map((arg) => (Buffer.isBuffer(arg) ? Buffer.from(arg) : arg)));
    });
    const times = new Map<string, number>();
    const others: unknown[] = [];
    for (const args of commands) {
      if (args[0] === "HPEXPIREAT") times.set(bytesOf(args[5]).toString("latin1"), Number(args[2]));
      else if (["XSETID", "XGROUP", "XCLAIM"].includes(String(args[0]))) others.push(args.map(jsonOf));
    }
    let isFirst = true;
    for (const args of commands) {
      for (const element of elementsOf(args, times)) {
        await this.#writer.write(Buffer.from(`${isFirst ? "" : ","}${JSON.stringify(element)}`));
        isFirst = false;
      }
    }
    const groups = others.length === 0 ? "" : `,"groups":${JSON.stringify(others)}`;
    await this.#writer.write(Buffer.from(`]${groups}}\n`));
  }
}

function elementsOf(args: readonly Argument[], times: ReadonlyMap<string, number>): unknown[] {
  const elements: unknown[] = [];
  switch (args[0]) {
    case "RPUSH":
    case "SADD":
      return args.slice(2).map(jsonOf);
    case "ZADD":
      for (let i = 2; i < args.length; i += 2) elements.push([jsonOf(args[i + 1]), scoreOf(args[i])]);
      return elements;
    case "HMSET":
      for (let i = 2; i < args.length; i += 2) {
        const time = times.get(bytesOf(args[i]).toString("latin1"));
        const pair = [jsonOf(args[i]), jsonOf(args[i + 1])];
        elements.push(time === undefined ? pair : [...pair, time]);
      }
      return elements;
    case "XADD":
      // An empty stream begins with an entry that is trimmed at once.
      return args[2] === "MAXLEN" ? [] : [[jsonOf(args[2]), args.slice(3).map(jsonOf)]];
    default:
      return [];
  }
}

function bytesOf(argument: Argument): Buffer {
  return Buffer.isBuffer(argument) ? argument : Buffer.from(String(argument), "latin1");
}

function jsonOf(argument: Argument): unknown {
  return textOf(bytesOf(argument));
}

/** JSON has no infinity. */
function scoreOf(argument: Argument): unknown {
  const text = bytesOf(argument).toString("latin1");
  const score = Number(text);
  return Number.isFinite(score) ? score : text;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string | { readonly base64: string } {
  try {
    return decoder.decode(bytes);
  } catch {
    return { base64: bytes.toString("base64") };
  }
}

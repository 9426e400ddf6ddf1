/**
 * What the data must be: a plain map per database, and the commands that the crash tests send, as Redis defines them.
 * Keys and values are byte strings (one character per byte), replies RESP2 as a byte string; where an error is due
 * the reply is just "-ERR". Strings are here, other types in model-collections.ts; the commands that are sent never
 * meet a key of another type than theirs. A key past its expiry is absent for every command, but counted until it is
 * removed, as in Redis.
 */

import { type CollectionType, collectionCommands } from "./model-collections.ts";

export interface ModelEntry {
  /** Absent: a string. */
  readonly type?: CollectionType;
  readonly value: string;
  /** Unix milliseconds; 0 for none. */
  readonly expireMs: number;
}

type ModelDatabase = Map<string, ModelEntry>;
type ModelCommand = (model: Model, args: readonly string[]) => string;

const OK = "+OK\r\n";
const NIL = "$-1\r\n";
const ERROR = "-ERR";
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

function bulk(text: string | undefined): string {
  return text === undefined ? NIL : `$${text.length}\r\n${text}\r\n`;
}

function integer(value: number | bigint): string {
  return `:${value}\r\n`;
}

export class Model {
  readonly databases: ModelDatabase[];
  private dbIndex = 0;
  private nowMs = 0;

  constructor(databases: number | ModelDatabase[]) {
    this.databases =
      typeof databases === "number"
        ? Array.from({ length: databases }, () => new Map())
        : databases.map((each) => new Map(each));
  }

  clone(): Model {
    return new Model(this.databases);
  }

  knows(name: string): boolean {
    return Object.hasOwn(commands, name);
  }

  /** Executes a command at an instant and returns its reply. */
  execute(dbIndex: number, args: readonly string[], nowMs: number): string {
    this.dbIndex = dbIndex;
    this.nowMs = nowMs;
    return commands[args[0]](this, args);
  }

  /** The first difference from another state, or undefined if there is none. */
  difference(other: Model): string | undefined {
    for (let db = 0; db < this.databases.length; db++) {
      const mine = this.databases[db];
      const theirs = other.databases[db];
      for (const [key, entry] of mine) {
        const found = theirs.get(key);
        if (isSame(entry, found)) continue;
        return `db${db} ${shown(key)}: ${describe(entry)} here, ${describe(found)} there`;
      }
      if (mine.size === theirs.size) continue;
      const extra = [...theirs].find(([key]) => !mine.has(key))!;
      return `db${db} ${shown(extra[0])}: absent here, ${describe(extra[1])} there`;
    }
    return undefined;
  }

  /** Removes a key that the server says has expired; false if it had not. */
  expire(dbIndex: number, key: string, nowMs: number): boolean {
    const entry = this.databases[dbIndex].get(key);
    if (entry === undefined || entry.expireMs === 0 || entry.expireMs > nowMs) return false;
    this.databases[dbIndex].delete(key);
    return true;
  }

  get db(): ModelDatabase {
    return this.databases[this.dbIndex];
  }

  get now(): number {
    return this.nowMs;
  }

  live(key: string, db = this.db): ModelEntry | undefined {
    const entry = db.get(key);
    return entry !== undefined && (entry.expireMs === 0 || entry.expireMs > this.nowMs) ? entry : undefined;
  }

  /** Sets the value and keeps the expiry of a live key. */
  change(key: string, value: string): void {
    this.db.set(key, { value, expireMs: this.live(key)?.expireMs ?? 0 });
  }
}

function isSame(a: ModelEntry, b: ModelEntry | undefined): boolean {
  return b !== undefined && a.value === b.value && a.type === b.type && a.expireMs === b.expireMs;
}

function shown(key: string): string {
  return key.length > 24 ? `${key.slice(0, 20)}... (${key.length} bytes)` : key;
}

function describe(entry: ModelEntry | undefined): string {
  if (entry === undefined) return "absent";
  return `${entry.type ?? "string"} '${shown(entry.value)}'${entry.expireMs === 0 ? "" : ` until ${entry.expireMs}`}`;
}

function set(model: Model, args: readonly string[]): string {
  const [, key, value, ...options] = args;
  const old = model.live(key);
  if (options.includes("NX") && old !== undefined) return NIL;
  if (options.includes("XX") && old === undefined) return NIL;
  const px = options.indexOf("PX");
  let expireMs = px < 0 ? 0 : model.now + Number(options[px + 1]);
  if (options.includes("KEEPTTL")) expireMs = old?.expireMs ?? 0;
  model.db.set(key, { value, expireMs });
  return OK;
}

function add(model: Model, key: string, delta: bigint): string {
  const text = model.live(key)?.value ?? "0";
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return ERROR;
  const old = BigInt(text);
  const value = old + delta;
  if (old < MIN_INT64 || old > MAX_INT64 || value < MIN_INT64 || value > MAX_INT64) return ERROR;
  model.change(key, String(value));
  return integer(value);
}

function expireAt(model: Model, key: string, expireMs: number): string {
  const entry = model.live(key);
  if (entry === undefined) return integer(0);
  if (expireMs <= model.now) model.db.delete(key);
  else model.db.set(key, { ...entry, expireMs });
  return integer(1);
}

function rename(model: Model, source: string, target: string, onlyIfAbsent: boolean): string {
  const entry = model.live(source);
  if (entry === undefined) return ERROR;
  if (source === target) return onlyIfAbsent ? integer(0) : OK;
  if (onlyIfAbsent && model.live(target) !== undefined) return integer(0);
  model.db.delete(source);
  model.db.set(target, entry);
  return onlyIfAbsent ? integer(1) : OK;
}

function copy(model: Model, args: readonly string[]): string {
  const [, source, target, ...options] = args;
  const dbOption = options.indexOf("DB");
  const to = dbOption < 0 ? model.db : model.databases[Number(options[dbOption + 1])];
  if (to === model.db && source === target) return ERROR;
  const entry = model.live(source);
  if (entry === undefined) return integer(0);
  if (model.live(target, to) !== undefined && !options.includes("REPLACE")) return integer(0);
  to.set(target, entry);
  return integer(1);
}

function move(model: Model, key: string, dbIndex: number): string {
  const to = model.databases[dbIndex];
  if (to === model.db) return ERROR;
  const entry = model.live(key);
  if (entry === undefined || model.live(key, to) !== undefined) return integer(0);
  model.db.delete(key);
  to.set(key, entry);
  return integer(1);
}

function setRange(model: Model, key: string, offset: number, piece: string): string {
  const old = model.live(key)?.value ?? "";
  if (piece === "") return integer(old.length);
  const padded = old.padEnd(offset, "\0");
  const value = padded.slice(0, offset) + piece + padded.slice(offset + piece.length);
  model.change(key, value);
  return integer(value.length);
}

function setMany(model: Model, args: readonly string[], onlyIfAbsent: boolean): string {
  if (onlyIfAbsent) {
    for (let i = 1; i < args.length; i += 2) if (model.live(args[i]) !== undefined) return integer(0);
  }
  for (let i = 1; i < args.length; i += 2) model.db.set(args[i], { value: args[i + 1], expireMs: 0 });
  return onlyIfAbsent ? integer(1) : OK;
}

const commands: Readonly<Record<string, ModelCommand>> = {
  ...collectionCommands,
  SELECT: () => OK,
  GET: (model, [, key]) => bulk(model.live(key)?.value),
  MGET: (model, [, ...keys]) =>
    `*${keys.length}\r\n${keys.map((key) => bulk(model.live(key)?.value)).join("")}`,
  STRLEN: (model, [, key]) => integer(model.live(key)?.value.length ?? 0),
  EXISTS: (model, [, ...keys]) => integer(keys.filter((key) => model.live(key) !== undefined).length),
  PEXPIRETIME: (model, [, key]) => {
    const entry = model.live(key);
    return integer(entry === undefined ? -2 : entry.expireMs === 0 ? -1 : entry.expireMs);
  },
  DBSIZE: (model) => integer(model.db.size),
  SET: set,
  GETSET: (model, [, key, value]) => {
    const old = model.live(key)?.value;
    model.db.set(key, { value, expireMs: 0 });
    return bulk(old);
  },
  GETDEL: (model, [, key]) => {
    const old = model.live(key)?.value;
    if (old !== undefined) model.db.delete(key);
    return bulk(old);
  },
  APPEND: (model, [, key, piece]) => {
    const value = (model.live(key)?.value ?? "") + piece;
    model.change(key, value);
    return integer(value.length);
  },
  SETRANGE: (model, [, key, offset, piece]) => setRange(model, key, Number(offset), piece),
  INCR: (model, [, key]) => add(model, key, 1n),
  INCRBY: (model, [, key, delta]) => add(model, key, BigInt(delta)),
  DEL: (model, [, ...keys]) => {
    const live = new Set(keys.filter((key) => model.live(key) !== undefined));
    for (const key of live) model.db.delete(key);
    return integer(live.size);
  },
  EXPIRE: (model, [, key, seconds]) => expireAt(model, key, model.now + Number(seconds) * 1000),
  PEXPIRE: (model, [, key, milliseconds]) => expireAt(model, key, model.now + Number(milliseconds)),
  PERSIST: (model, [, key]) => {
    const entry = model.live(key);
    if (entry === undefined || entry.expireMs === 0) return integer(0);
    model.db.set(key, { ...entry, expireMs: 0 });
    return integer(1);
  },
  RENAME: (model, [, source, target]) => rename(model, source, target, false),
  RENAMENX: (model, [, source, target]) => rename(model, source, target, true),
  COPY: copy,
  MOVE: (model, [, key, dbIndex]) => move(model, key, Number(dbIndex)),
  MSET: (model, args) => setMany(model, args, false),
  MSETNX: (model, args) => setMany(model, args, true),
  FLUSHDB: (model) => {
    model.db.clear();
    return OK;
  },
  FLUSHALL: (model) => {
    for (const db of model.databases) db.clear();
    return OK;
  },
  SWAPDB: (model, [, first, second]) => {
    const { databases } = model;
    const [a, b] = [Number(first), Number(second)];
    [databases[a], databases[b]] = [databases[b], databases[a]];
    return OK;
  },
};

/**
 * Lists, sets, hashes and sorted sets of the model (model.ts): values as JSON text in an order that depends on what
 * they hold only, so that two of them are compared as texts.
 */
import type { Model } from "./model.ts";

export type CollectionType = "list" | "set" | "hash" | "zset";

type ModelCommand = (model: Model, args: readonly string[]) => string;

const WRONG_TYPE = "-WRONGTYPE";
const NIL = "$-1\r\n";

/** By code units, which is the order of bytes here. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The text of a collection, given the parts of its usual reply: elements, members, or names and values by turns. */
export function canonical(type: CollectionType, parts: readonly string[]): string {
  if (type === "list") return JSON.stringify(parts);
  if (type === "set") return JSON.stringify([...parts].sort(byText));
  const pairs: [string, string][] = [];
  for (let i = 0; i < parts.length; i += 2) pairs.push([parts[i], parts[i + 1]]);
  return JSON.stringify(pairs.sort(([a], [b]) => byText(a, b)));
}

function open<T>(model: Model, key: string, type: CollectionType): T[] | undefined {
  const entry = model.live(key);
  if (entry === undefined) return [];
  return entry.type === type ? (JSON.parse(entry.value) as T[]) : undefined;
}

/** Keeps the expiry of a live key; an empty collection is no key. */
function close(model: Model, key: string, type: CollectionType, elements: readonly unknown[]): void {
  const expireMs = model.live(key)?.expireMs ?? 0;
  if (elements.length === 0) model.db.delete(key);
  else model.db.set(key, { type, value: JSON.stringify(elements), expireMs });
}

/** A command on a list: changes its elements and returns the reply. */
function onList(change: (elements: string[], args: readonly string[]) => string): ModelCommand {
  return (model, args) => {
    const elements = open<string>(model, args[1], "list");
    if (elements === undefined) return WRONG_TYPE;
    const reply = change(elements, args);
    close(model, args[1], "list", elements);
    return reply;
  };
}

function onSet(change: (members: Set<string>, args: readonly string[]) => number): ModelCommand {
  return (model, args) => {
    const members = open<string>(model, args[1], "set");
    if (members === undefined) return WRONG_TYPE;
    const set = new Set(members);
    const count = change(set, args);
    close(model, args[1], "set", [...set].sort(byText));
    return `:${count}\r\n`;
  };
}

/** Of a hash or a sorted set; `change` returns the reply. */
function onPairs(
  type: "hash" | "zset",
  change: (pairs: Map<string, string>, args: readonly string[]) => string,
): ModelCommand {
  return (model, args) => {
    const pairs = open<[string, string]>(model, args[1], type);
    if (pairs === undefined) return WRONG_TYPE;
    const map = new Map(pairs);
    const reply = change(map, args);
    close(
      model,
      args[1],
      type,
      [...map].sort(([a], [b]) => byText(a, b)),
    );
    return reply;
  };
}

function countOf(type: CollectionType): ModelCommand {
  return (model, [, key]) => {
    const elements = open<unknown>(model, key, type);
    return elements === undefined ? WRONG_TYPE : `:${elements.length}\r\n`;
  };
}

function bulk(text: string | undefined): string {
  return text === undefined ? NIL : `$${text.length}\r\n${text}\r\n`;
}

function removeAll(from: { delete(name: string): boolean }, names: readonly string[]): number {
  return names.filter((name) => from.delete(name)).length;
}

/** Adds to a number, of a field or a score. */
function increment(pairs: Map<string, string>, name: string, by: string): string {
  const sum = String(Number(pairs.get(name) ?? "0") + Number(by));
  pairs.set(name, sum);
  return sum;
}

export const collectionCommands: Readonly<Record<string, ModelCommand>> = {
  RPUSH: onList((list, [, , ...elements]) => `:${list.push(...elements)}\r\n`),
  LPUSH: onList((list, [, , ...elements]) => `:${list.unshift(...elements.reverse())}\r\n`),
  LPOP: onList((list) => bulk(list.shift())),
  RPOP: onList((list) => bulk(list.pop())),
  LTRIM: onList((list, [, , first, last]) => {
    list.splice(Number(last) + 1);
    list.splice(0, Number(first));
    return "+OK\r\n";
  }),
  LLEN: countOf("list"),
  SADD: onSet((set, [, , ...members]) => {
    const before = set.size;
    for (const member of members) set.add(member);
    return set.size - before;
  }),
  SREM: onSet((set, [, , ...members]) => removeAll(set, members)),
  SCARD: countOf("set"),
  HSET: onPairs("hash", (hash, [, , ...pairs]) => {
    const before = hash.size;
    for (let i = 0; i < pairs.length; i += 2) hash.set(pairs[i], pairs[i + 1]);
    return `:${hash.size - before}\r\n`;
  }),
  HDEL: onPairs("hash", (hash, [, , ...fields]) => `:${removeAll(hash, fields)}\r\n`),
  HINCRBY: onPairs("hash", (hash, [, , field, by]) => `:${increment(hash, field, by)}\r\n`),
  HLEN: countOf("hash"),
  ZADD: onPairs("zset", (zset, [, , ...pairs]) => {
    const before = zset.size;
    for (let i = 0; i < pairs.length; i += 2) zset.set(pairs[i + 1], pairs[i]);
    return `:${zset.size - before}\r\n`;
  }),
  ZREM: onPairs("zset", (zset, [, , ...members]) => `:${removeAll(zset, members)}\r\n`),
  ZINCRBY: onPairs("zset", (zset, [, , by, member]) => bulk(increment(zset, member, by))),
  ZCARD: countOf("zset"),
};

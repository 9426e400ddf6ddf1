/**
 * Looks at all data of a server through a client's eyes: SCAN, TYPE, what reads a whole value of each type,
 * PEXPIRETIME.
 */
import type { Random } from "../../src/base/random.ts";
import { Model, type ModelEntry } from "./model.ts";
import { type CollectionType, canonical } from "./model-collections.ts";
import { stringsOf } from "./resp.ts";
import type { SimulatedClient } from "./simulated-client.ts";

/** The live keys of all databases. Nobody else may change them meanwhile. Throws on an error reply. */
export async function examine(client: SimulatedClient, databases: number, random: Random): Promise<Model> {
  const found = new Model(databases);
  const ask = async (...args: string[]): Promise<string> => {
    const reply = await client.ask(...args);
    if (reply.startsWith("-")) throw new Error(`${args[0]} was answered ${reply}`);
    return reply;
  };
  for (const [index, db] of found.databases.entries()) {
    await ask("SELECT", String(index));
    const keys = new Set<string>();
    const count = String(1 + random.below(200));
    let cursor = "0";
    do {
      const [next, ...page] = stringsOf(await ask("SCAN", cursor, "COUNT", count));
      for (const key of page) keys.add(key);
      cursor = next;
    } while (cursor !== "0");
    for (const key of keys) {
      const type = (await ask("TYPE", key)).slice(1, -2);
      const value = await read(type, key, ask);
      if (value === undefined) throw new Error(`SCAN returned ${key.slice(0, 20)}, which is not there`);
      const expireMs = Math.max(0, Number((await ask("PEXPIRETIME", key)).slice(1)));
      db.set(key, { ...value, expireMs });
    }
  }
  return found;
}

type Ask = (...args: string[]) => Promise<string>;

/** The commands that read whole collections. */
const READERS: Readonly<Record<CollectionType, (key: string) => string[]>> = {
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  hash: (key) => ["HGETALL", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
};

async function read(type: string, key: string, ask: Ask): Promise<Omit<ModelEntry, "expireMs"> | undefined> {
  if (type === "none") return undefined;
  if (type === "string") {
    const [value] = stringsOf(await ask("GET", key));
    return value === undefined ? undefined : { value };
  }
  const collection = type as CollectionType;
  const parts = stringsOf(await ask(...READERS[collection](key))).map(String);
  return { type: collection, value: canonical(collection, parts) };
}

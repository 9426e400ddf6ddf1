/**
 * Looks at all data of a server through a client's eyes: SCAN, GET, PEXPIRETIME, DBSIZE.
 */
import type { Random } from "../../src/base/random.ts";
import { Model } from "./model.ts";
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
      const [value] = stringsOf(await ask("GET", key));
      if (value === undefined) throw new Error(`SCAN returned ${key.slice(0, 20)}, which is not there`);
      const expireMs = Math.max(0, Number((await ask("PEXPIRETIME", key)).slice(1)));
      db.set(key, { value, expireMs });
    }
  }
  return found;
}

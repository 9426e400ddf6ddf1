/**
 * Tells where the keys of a harness and those of a real Redis hold different values: by type, encoding, expiry, and
 * DEBUG DIGEST-VALUE, which covers all of a value.
 */
import { dataTypeOf } from "../../src/types/registry.ts";
import { ValueDigest } from "../../src/types/value-digest.ts";
import type { CommandHarness } from "./command-harness.ts";
import type { RawClient } from "./raw-client.ts";

/** Relative expiries begin at two clocks read at different moments. */
const CLOCK_TOLERANCE_MS = 60_000;

/** Throws if a key's values differ, or one of both has none. */
export async function compareValues(
  redis: RawClient,
  harness: CommandHarness,
  keys: readonly string[],
  label: string,
): Promise<void> {
  for (const key of keys) {
    const expected = await describeRedisValue(redis, key);
    const actual = describeValue(harness, key);
    if (expected.text !== actual.text)
      throw new Error(`${label}: ${key} is ${expected.text} in Redis, ${actual.text} here`);
    if (Math.abs(expected.expireMs - actual.expireMs) > CLOCK_TOLERANCE_MS)
      throw new Error(`${label}: ${key} expires at ${expected.expireMs} in Redis, ${actual.expireMs} here`);
  }
}

interface Description {
  readonly text: string;
  /** -1: never. */
  readonly expireMs: number;
}

const ABSENT: Description = { text: "absent", expireMs: -1 };

async function describeRedisValue(redis: RawClient, key: string): Promise<Description> {
  const line = async (...args: string[]) => (await redis.text(...args)).replace(/^\$\d+\r\n/, "").trim();
  const type = (await line("TYPE", key)).slice(1);
  if (type === "none") return ABSENT;
  const encoding = await line("OBJECT", "ENCODING", key);
  const digest = (await line("DEBUG", "DIGEST-VALUE", key)).split("\r\n").at(-1)!.replace(/^[+]/, "");
  return {
    text: `${type} ${encoding} ${digest}`,
    expireMs: Number((await line("PEXPIRETIME", key)).slice(1)),
  };
}

/** Type, encoding and digest of a key's value, as words. */
function describeValue(harness: CommandHarness, key: string): Description {
  const { entries, memory } = harness.keyspace;
  const bytes = Buffer.from(key);
  const address = harness.db.peek(bytes, 0, bytes.length);
  if (address === 0) return ABSENT;
  const dataType = dataTypeOf(entries.type(address));
  const digest = new ValueDigest();
  digest.mix(Buffer.of(0, 0, 0, dataType.type));
  dataType.digest(memory, address, digest);
  const expireMs = entries.expireMs(address) === 0 ? -1 : entries.expireMs(address);
  if (expireMs !== -1) digest.xor(Buffer.from("!!expire!!"));
  const encoding = dataType.encodingName(entries.encoding(address));
  return { text: `${dataType.name} ${encoding} ${digest.bytes.toString("hex")}`, expireMs };
}

/**
 * Gives a server what a round is to find: nothing, or one value of a kind under the name that redis-benchmark's
 * own tests use, with the same members.
 */
import { SeededRandom } from "../../src/base/random.ts";
import { encodeCommand, PipelineClient } from "../support/pipeline-client.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { type Content, KEYS, VALUE_BYTES } from "./cases.ts";

/** Keys or elements that are sent together. */
const BATCH = 1000;

/** What a server is to hold; the size is known by now. */
export interface SizedContent extends Content {
  readonly size: number;
}

/** Empties a server and fills it. Throws if it does not hold then what it should. */
export async function fill(server: ServerProcess, content: SizedContent): Promise<void> {
  const client = await PipelineClient.connect(server.port);
  try {
    await client.command("FLUSHALL", "SYNC");
    const random = new SeededRandom(KEYS);
    for (let first = 0; first < content.size; first += BATCH) {
      const commands = batchOf(content.kind, first, Math.min(content.size, first + BATCH), random);
      const replies = await client.batch(Buffer.concat(commands), commands.length);
      const failure = replies.find((reply) => reply instanceof Error);
      if (failure !== undefined) throw failure;
    }
    const [name, ...args] = sizeCommand(content.kind);
    const size = await client.command(name, ...args);
    if (size !== content.size)
      throw new Error(`${name} is ${String(size)} after ${content.size} were added to a ${content.kind}`);
  } finally {
    client.close();
  }
}

/** The commands that add the items from `first` up to `end`. */
function batchOf(kind: Content["kind"], first: number, end: number, random: SeededRandom): Buffer[] {
  const items = Array.from({ length: end - first }, (_, i) => String(first + i).padStart(12, "0"));
  switch (kind) {
    case "nothing":
      return [];
    case "strings":
      return items.map((digits) => encodeCommand(["SET", `key:${digits}`, random.bytes(VALUE_BYTES)]));
    case "list":
      return [encodeCommand(["LPUSH", "mylist", ...items.map(() => "x".repeat(VALUE_BYTES))])];
    case "set":
      return [encodeCommand(["SADD", "myset", ...items.map((digits) => `element:${digits}`)])];
    case "sorted set":
      // Members of random scores, as redis-benchmark's ZADD leaves them.
      return [
        encodeCommand([
          "ZADD",
          "myzset",
          ...items.flatMap((digits) => [String(random.below(KEYS)), `element:${digits}`]),
        ]),
      ];
  }
}

/** What tells how many items a server holds. */
function sizeCommand(kind: Content["kind"]): [name: string, ...args: string[]] {
  switch (kind) {
    case "nothing":
    case "strings":
      return ["DBSIZE"];
    case "list":
      return ["LLEN", "mylist"];
    case "set":
      return ["SCARD", "myset"];
    case "sorted set":
      return ["ZCARD", "myzset"];
  }
}

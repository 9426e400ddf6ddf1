/**
 * Collections of every type and size, for tests that compare what servers hold: made, and then changed by all kinds of
 * commands.
 */
import type { Argument } from "../support/command-harness.ts";
import { LIST_DUMP } from "../support/dump-payloads.ts";

/** Around the limits between small and large values. */
const SIZES = [1, 20, 130, 600, 3000];
const STREAM_ENTRIES = 300;

/** Commands on what `collections` makes, one a line, words parted by blanks. */
const CHANGES = `
  LINSERT list:600 BEFORE element:301 inserted
  LREM list:3000 1 element:4
  LTRIM list:3000 10 -10
  RPOP list:20 5
  LMOVE list:20 list:moved LEFT RIGHT
  SPOP set:600
  SPOP set:3000 500
  SMOVE set:130 set:20 member:99
  SUNIONSTORE set:union set:20 integers:20
  SDIFFSTORE set:none set:20 set:20
  SADD integers:wide 9223372036854775807 -9223372036854775808 0
  ZINCRBY sorted:130 0.1 member:5
  ZPOPMIN sorted:600 7
  ZUNIONSTORE sorted:weighted 2 sorted:20 set:20 WEIGHTS 2 0.5
  ZREMRANGEBYSCORE sorted:3000 (100 200
  ZRANGESTORE sorted:part sorted:3000 5 200
  GEOADD places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
  HDEL hash:130 field:7
  HINCRBY hash:130 field:8 100
  HINCRBYFLOAT hash:600 sum 1.1
  RENAME hash:1 hash:renamed
  COPY list:3000 list:copied
  COPY sorted:600 sorted:copied DB 9
  MOVE set:600 4
  SORT integers:130 DESC STORE list:sorted
  RPUSH list:emptied x
  LPOP list:emptied
  XDEL stream 1005-2
  XTRIM stream MAXLEN 250
  XADD stream MAXLEN ~ 100 * a b
  XGROUP CREATE stream group 0
  XGROUP CREATE stream other $ ENTRIESREAD 7
  XREADGROUP GROUP group alice COUNT 20 STREAMS stream >
  XREADGROUP GROUP group bob COUNT 5 NOACK STREAMS stream >
  XACK stream group 1055-2 1056-0
  XCLAIM stream group carol 0 1060-1
  XAUTOCLAIM stream group bob 0 1065-0 COUNT 3
  XGROUP CREATECONSUMER stream other dave
  XADD stream:emptied 5-5 a b
  XDEL stream:emptied 5-5
  XSETID stream:emptied 9-9
  COPY stream stream:copied
  EXPIRE stream:copied 100000
`;

/** All in database 3; leaves database 0 selected. */
export function collectionRequests(): Argument[][] {
  const changes = CHANGES.trim().split("\n");
  return [
    ["SELECT", 3],
    ...SIZES.flatMap(collections),
    ...longElements(),
    ...Array.from({ length: STREAM_ENTRIES }, (_, i) => streamEntry(i + 1)),
    ...changes.map((line) => line.trim().split(" ")),
    ["RESTORE", "list:restored", 0, LIST_DUMP],
    ["SELECT", 0],
  ];
}

/** One of each type with so many elements. */
function collections(count: number): Argument[][] {
  const farMs = Date.now() + 86_400_000;
  const numbered = (text: (i: number) => Argument | Argument[]) =>
    Array.from({ length: count }, (_, i) => text(i)).flat();
  return [
    ["RPUSH", `list:${count}`, ...numbered((i) => (i % 3 === 0 ? i : `element:${i}`))],
    ["SADD", `set:${count}`, ...numbered((i) => `member:${i}`)],
    ["SADD", `integers:${count}`, ...numbered((i) => i * i * 1000 - 5)],
    ["ZADD", `sorted:${count}`, ...numbered((i) => [i / 7 - 3, `member:${i}`])],
    ["HSET", `hash:${count}`, ...numbered((i) => [`field:${i}`, i % 2 === 0 ? i : `v${i}`])],
    ["PEXPIREAT", `hash:${count}`, farMs + count],
  ];
}

function longElements(): Argument[][] {
  const long = "long ".repeat(4000);
  return [
    ["LPUSH", "long list", long, "short", long],
    ["SADD", "long set", long, "short"],
    ["ZADD", "long sorted", "inf", long, "-inf", "short", 0, "", "1e100", "far"],
    ["HSET", "long hash", "field", long, long, "value", "", ""],
  ];
}

/** Of a few sets of fields. */
function streamEntry(i: number): Argument[] {
  return ["XADD", "stream", `${1000 + i}-${i % 3}`, "field", i, `f${i % 5}`, "x"];
}

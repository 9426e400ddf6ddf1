/**
 * Replies and effects of stream commands with their times made comparable: two servers that do the same a few seconds
 * apart. Each time becomes how many IDLE_STEP_MS it lies from the present.
 */
import type { Argument } from "../../support/command-harness.ts";
import { IDLE_STEP_MS } from "./generator.ts";

type Reply = string | number | null | Reply[];

/** What a reply says: arrays (and maps, flat) as arrays, integers as numbers, all else as text with its sign. */
export function parseReply(bytes: Buffer): Reply {
  const text = bytes.toString("latin1");
  let at = 0;
  const parse = (): Reply => {
    const end = text.indexOf("\r\n", at);
    const sign = text[at];
    const line = text.slice(at + 1, end);
    at = end + 2;
    if (sign === ":") return Number(line);
    if (sign === "_") return null;
    if (sign === "*" || sign === "%") {
      const length = Number(line) * (sign === "%" ? 2 : 1);
      return length < 0 ? null : Array.from({ length }, parse);
    }
    if (sign !== "$") return sign + line;
    if (line === "-1") return null;
    const bulk = text.slice(at, at + Number(line));
    at += Number(line) + 2;
    return bulk;
  };
  return parse();
}

/** The reply as text, with times as steps from `nowMs`. */
export function comparableReply(request: readonly Argument[], reply: Buffer, nowMs: number): string {
  const [name, , , fourth] = request.map((word) => String(word).toLowerCase());
  const plain = reply.toString("latin1");
  if (plain.startsWith("-")) return plain;
  if (name === "xpending" && request.length > 3) {
    const list = parseReply(reply) as [string, string, number, number][];
    return JSON.stringify(list.map(([id, consumer, idle, count]) => [id, consumer, steps(idle), count]));
  }
  if (name !== "xinfo") return plain;
  const parsed = withoutActivity(parseReply(reply));
  return JSON.stringify(fourth === "full" ? withoutTimes(parsed, nowMs) : withoutIdle(parsed));
}

function steps(timeMs: number): number {
  return Math.round(timeMs / IDLE_STEP_MS);
}

/** What Redis has only since 7.2 is left out. */
function withoutActivity(reply: Reply): Reply {
  if (!Array.isArray(reply)) return reply;
  const isNew = (part: Reply): boolean => part === "inactive" || part === "active-time";
  return reply.filter((part, i) => !isNew(part) && !isNew(reply[i - 1])).map(withoutActivity);
}

/** XINFO CONSUMERS: the number after "idle". */
function withoutIdle(reply: Reply): Reply {
  if (!Array.isArray(reply)) return reply;
  return reply.map((part, i) =>
    reply[i - 1] === "idle" && typeof part === "number" ? steps(part) : withoutIdle(part),
  );
}

/** XINFO STREAM FULL: the number after "seen-time", and those in lists of pending entries. */
function withoutTimes(reply: Reply, nowMs: number): Reply {
  if (!Array.isArray(reply)) return reply;
  return reply.map((part, i) => {
    if (reply[i - 1] === "seen-time" && typeof part === "number") return steps(nowMs - part);
    if (reply[i - 1] !== "pending" || !Array.isArray(part)) return withoutTimes(part, nowMs);
    // Of a group: id, consumer, time, count; of a consumer without itself.
    return part.map((entry) =>
      (entry as Reply[]).map((word, k, all) => (k === all.length - 2 ? steps(nowMs - Number(word)) : word)),
    );
  });
}

/** An effect as text. */
export function comparableEffect(effect: readonly Buffer[], nowMs: number): string {
  const words = effect.map((word) => word.toString("latin1"));
  if (words[0] === "XCLAIM") words[7] = String(steps(nowMs - Number(words[7])));
  return words.map((word) => JSON.stringify(word)).join(" ");
}

/**
 * Events of keys: what `notify-keyspace-events` tells clients. Whoever changes a key says so with one call, at the
 * place where Redis does, since clients see the order; whether anybody wants to know is not his business.
 */

/** Classes of events, as bits, and the letters that directive has for them. */
export const EVENT = {
  generic: 1,
  string: 2,
  list: 4,
  set: 8,
  hash: 16,
  sortedSet: 32,
  expired: 64,
  evicted: 128,
  stream: 256,
  module: 512,
  newKey: 1024,
  keyMiss: 2048,
} as const;

export interface KeyEvents {
  /**
   * Something happened to a key: `length` bytes of `key` from `start`, valid only during the call.
   * @param eventClass one of EVENT
   * @param name of the event, ASCII
   */
  happened(
    eventClass: number,
    name: string,
    dbIndex: number,
    key: Buffer,
    start: number,
    length: number,
  ): void;
}

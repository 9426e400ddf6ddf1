/**
 * The sizes at which small collections become large ones, and chunks of large ones are full: Redis's directives of
 * these names, set by the configuration. Values that are in memory keep their form when a limit changes.
 */
export interface TypeLimits {
  listMaxListpackSize: number;
  hashMaxListpackEntries: number;
  hashMaxListpackValue: number;
  setMaxIntsetEntries: number;
  zsetMaxListpackEntries: number;
  zsetMaxListpackValue: number;
  streamNodeMaxBytes: number;
  streamNodeMaxEntries: number;
  /** A list's element of so many bytes is packed as a plain node, if it has a chunk to itself. No directive: DEBUG
   * QUICKLIST-PACKED-THRESHOLD. */
  listPlainMinBytes: number;
}

/** Where Redis 7.0 begins to write plain nodes. */
export const LIST_PLAIN_MIN_BYTES: number = 2 ** 30;

/** Redis 7.0's defaults. */
export function defaultTypeLimits(): TypeLimits {
  return {
    listMaxListpackSize: -2,
    hashMaxListpackEntries: 512,
    hashMaxListpackValue: 64,
    setMaxIntsetEntries: 512,
    zsetMaxListpackEntries: 128,
    zsetMaxListpackValue: 64,
    streamNodeMaxBytes: 4096,
    streamNodeMaxEntries: 100,
    listPlainMinBytes: LIST_PLAIN_MIN_BYTES,
  };
}

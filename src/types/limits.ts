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
}

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
  };
}

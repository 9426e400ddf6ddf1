/**
 * Error texts about the cold tier. Redis has none of them.
 */

export const COLD_TIER_IS_OFF = "ERR The cold tier is off (directive cold-tier)";

/** A key's value lies in the cold tier and cannot be read. */
export function coldKeyUnreadable(reason: string): string {
  return `ERR The value cannot be read from the cold tier: ${reason}`;
}

/** KEYS would be incomplete. */
export function keysUnreadable(reason: string): string {
  return `ERR Some keys cannot be read from the cold tier: ${reason}. SCAN can go past them`;
}

/** A step of SCAN would be incomplete. `next`: the cursor behind it; 0 at the end. */
export function scannedKeysUnreadable(reason: string, next: number): string {
  const way = next === 0 ? "No others follow them" : `SCAN ${next} goes past them`;
  return `ERR Some keys cannot be read from the cold tier: ${reason}. ${way}`;
}

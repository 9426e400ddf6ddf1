/**
 * Who may connect at all, before anything is read: as many clients as configured, and in protected mode without a
 * password only those on this machine.
 */
import { PROTECTED_MODE, TOO_MANY_CLIENTS } from "../protocol/errors.ts";

/**
 * The error for a new client at `address` while `connected` others are there; undefined lets it in.
 * @param isLocalOnly whether clients elsewhere are refused: in protected mode, while the default user has no password
 */
export function refusalOf(
  maxclients: number,
  isLocalOnly: boolean,
  connected: number,
  address: string,
): string | undefined {
  if (connected >= maxclients) return TOO_MANY_CLIENTS;
  return isLocalOnly && !isLocalAddress(address) ? PROTECTED_MODE : undefined;
}

/** Whether a client is on this machine: its address is one of the loopback interface, or no network address at all. */
export function isLocalAddress(address: string): boolean {
  const isNetwork = /^(\d+\.\d+\.\d+\.\d+:|\[)/.test(address);
  return !isNetwork || /^(127\.|\[::1\])/.test(address);
}

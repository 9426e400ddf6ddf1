/**
 * Who may connect at all, before anything is read: as many clients as configured, and in protected mode without a
 * password only those on this machine.
 */
import { PROTECTED_MODE, TOO_MANY_CLIENTS } from "../protocol/errors.ts";

export interface AdmissionRules {
  readonly maxclients: number;
  readonly "protected-mode": boolean;
  readonly requirepass: { readonly length: number };
}

/** The error for a new client at `address` while `connected` others are there; undefined lets it in. */
export function refusalOf(rules: AdmissionRules, connected: number, address: string): string | undefined {
  if (connected >= rules.maxclients) return TOO_MANY_CLIENTS;
  const isOpen = rules["protected-mode"] && rules.requirepass.length === 0;
  return isOpen && !isLocalAddress(address) ? PROTECTED_MODE : undefined;
}

/** Whether a client is on this machine: its address is one of the loopback interface, or no network address at all. */
export function isLocalAddress(address: string): boolean {
  const isNetwork = /^(\d+\.|\[)/.test(address);
  return !isNetwork || /^(127\.|\[::1\])/.test(address);
}

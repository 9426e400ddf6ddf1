/**
 * maxclients and the system's limit of open files: each client is one, and the server needs some itself. As in Redis,
 * a start with more clients than that leaves room for has fewer, and CONFIG SET refuses them. Node has raised the limit
 * as far as it may (from the soft to the hard one) before anything here runs.
 */
import { readFileSync } from "node:fs";
import type { Log } from "../base/log.ts";
import type { Config } from "./config/config.ts";

/** Files that the server itself may have open at a time: threads, logs, snapshots, listening sockets. (LevelDB maps its
 * tables into memory, and keeps few of them open.) */
const OWN_FILES = 64;

/** How many files this process may have open; infinite where the system does not tell. */
export function openFileLimit(): number {
  try {
    return softLimit(readFileSync("/proc/self/limits", "latin1"));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The same, of the text of Linux's file of limits. */
export function softLimit(limits: string): number {
  const found = /^Max open files\s+(\d+)/m.exec(limits);
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]);
}

/** Keeps maxclients within what `fileLimit` leaves room for, now and when it is set. Throws an error if that is
 * nobody. */
export function limitClients(config: Config, fileLimit: number, log: Log): void {
  const most = fileLimit - OWN_FILES;
  if (most < 1) {
    throw new Error(
      `Your current 'ulimit -n' of ${fileLimit} is not enough for the server to start.` +
        ` Please increase your open file limit to at least ${OWN_FILES + 1}.`,
    );
  }
  const { values } = config;
  if (values.maxclients > most) {
    log.warning(
      `Current maximum open files is ${fileLimit}. maxclients has been reduced from ${values.maxclients} to ${most}` +
        " to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.",
    );
    config.load("maxclients", [String(most)]);
  }
  config.onChange("maxclients", () => {
    if (values.maxclients <= most) return;
    throw new Error(
      `The operating system is not able to handle the specified number of clients, try with ${most}`,
    );
  });
}

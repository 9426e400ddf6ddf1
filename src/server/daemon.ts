/**
 * `daemonize yes`: the process that was started begins another one, which serves, and ends. (Redis forks; that would
 * take only one of the threads along.) The other one has no terminal, reads nothing, and what it prints is lost, so its
 * log needs a `logfile`.
 */
import { spawn } from "node:child_process";

/** Tells the process that was begun so. */
const MARK = "TSREDIS_DAEMON";
/** Where its number stands if `pidfile` does not say. */
export const DAEMON_PID_FILE = "/var/run/tsredis.pid";

/** Whether this process is the other one; what it begins itself is not told. */
export function isDaemon(): boolean {
  const isMarked = process.env[MARK] !== undefined;
  delete process.env[MARK];
  return isMarked;
}

/**
 * Begins the process that serves, with the same arguments and options of Node. This one ends when nothing is left to
 * do.
 * @param input what was read from standard input, if the arguments ask for that
 * @param onFailure it could not be begun
 */
export function beginDaemon(
  argv: readonly string[],
  input: Buffer | undefined,
  onFailure: (error: Error) => void,
): void {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...argv], {
    detached: true,
    stdio: [input === undefined ? "ignore" : "pipe", "ignore", "ignore"],
    env: { ...process.env, [MARK]: "yes" },
  });
  child.once("error", onFailure);
  child.stdin?.end(input);
  child.unref();
}

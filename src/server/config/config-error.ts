/**
 * What can go wrong with configuration. `SettingError` is a value's fault and knows only the reason; who met it adds
 * where: `ConfigError` for files and arguments at start, `ConfigSetError` for CONFIG SET (a finished error reply).
 */

/** A value that its directive refuses. `message` is the reason, in Redis's words where Redis has the same check. */
export class SettingError extends Error {
  override name = "SettingError";
}

/** Where a directive stood: what was read (`the file '/etc/redis.conf'`), the line's number from 1, and its text. */
export interface ConfigPlace {
  readonly source: string;
  readonly line: number;
  readonly text: string;
}

/** The configuration cannot be loaded: the process prints `report` to stderr and exits with status 1. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly place: ConfigPlace | undefined;

  constructor(reason: string, place?: ConfigPlace) {
    super(reason);
    this.place = place;
  }

  /** Redis's report, with one line more that names the file or other source. `version` is the program's own. */
  report(version: string): string {
    const lines = ["", `*** FATAL CONFIG FILE ERROR (tsredis ${version}) ***`];
    if (this.place !== undefined) {
      lines.push(`Reading the configuration file, at line ${this.place.line}`, `>>> '${this.place.text}'`);
    }
    lines.push(this.message);
    if (this.place !== undefined) lines.push(`(from ${this.place.source})`);
    return `${lines.join("\n")}\n`;
  }
}

/** CONFIG SET refused; `message` is the whole error reply without the leading `-`. Nothing was changed. */
export class ConfigSetError extends Error {
  override name = "ConfigSetError";
}

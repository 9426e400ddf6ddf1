/**
 * Reads the configuration: file (with the files it includes), then standard input, then the command line; the last
 * one to set a directive wins.
 *
 * A line is a directive's name, in any case, and its arguments, quoted as in redis.conf. Lines that are empty or
 * begin with `#` are skipped. Line numbers in errors count as in Redis: per file, standard input and options going
 * on where the main file ended.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { splitArguments } from "../../protocol/inline.ts";
import { addRenaming, addUser } from "./access-lines.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { Config, findSetting } from "./config.ts";
import { ConfigError, type ConfigPlace, SettingError } from "./config-error.ts";
import { expandPattern, hasWildcard } from "./include-pattern.ts";
import { bytesOfText, decodeText, textOfBytes } from "./setting.ts";
import { type SettingName, settings } from "./settings.ts";
import { systemErrorText } from "./special-settings.ts";

/** A configuration that a server can start with. */
export interface LoadedConfig {
  readonly kind: "run";
  readonly config: Config;
  /** Absolute path of the main file, if there was one. */
  readonly file: string | undefined;
  /** What the operator should know, one line each, for the log. */
  readonly warnings: readonly string[];
}

const COMMAND_LINE = "the command line";

/** Files within files: deep enough for anything sane, and an end to a file that includes itself. */
const INCLUDE_DEPTH_MAX = 16;

/** Directives of older versions that Redis 7.0 still accepts, and does nothing with. */
const RETIRED = new Set(["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"]);

/**
 * Loads what the arguments (without the program's name) ask for. Throws `ConfigError` at the first fault.
 * `help` and `version` are requests to print something instead of starting.
 */
export function loadConfig(
  argv: readonly string[],
  readStdin: () => Buffer = () => readFileSync(0),
): LoadedConfig | Exclude<CommandLine, { kind: "run" }> {
  const commandLine = parseCommandLine(argv);
  if (commandLine.kind !== "run") return commandLine;
  const file = commandLine.file === undefined ? undefined : resolve(commandLine.file);
  const loader = new Loader();
  let line = 1;
  try {
    if (file !== undefined) line += loader.loadFiles(file, 0);
  } catch (error) {
    if (error instanceof SettingError) throw new ConfigError(error.message);
    throw error;
  }
  if (commandLine.readsStdin) line += loader.loadText(textOfBytes(readStdin()), "standard input", line, 0);
  if (commandLine.options !== "") {
    // Redis puts a line break between file and options, which counts when there is no file too.
    loader.loadText(commandLine.options, COMMAND_LINE, line === 1 ? 2 : line, 0);
  }
  loader.check();
  const { config, warnings } = loader;
  config.file = file;
  return { kind: "run", config, file, warnings };
}

class Loader {
  readonly config = new Config();
  readonly warnings: string[] = [];

  /** Loads one file, or all that a name with wildcards matches; returns the number of lines. */
  loadFiles(path: string, depth: number): number {
    const folder = this.config.values.dir;
    if (!hasWildcard(path)) return this.#loadFile(resolve(folder, path), depth);
    let lines = 0;
    for (const match of expandPattern(path, folder)) lines += this.#loadFile(match, depth);
    return lines;
  }

  #loadFile(path: string, depth: number): number {
    let text: string;
    try {
      text = textOfBytes(readFileSync(path));
    } catch (error) {
      throw new SettingError(`Fatal error, can't open config file '${path}': ${systemErrorText(error)}`);
    }
    return this.loadText(text, `the file '${path}'`, 1, depth);
  }

  /** Loads the lines of a byte string, the first of which has the number `firstLine`; returns how many there are. */
  loadText(text: string, source: string, firstLine: number, depth: number): number {
    const lines = text.split("\n");
    for (const [index, line] of lines.entries()) {
      const trimmed = line.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      const place = {
        source,
        line: firstLine + index,
        text: withoutSecrets(bytesOfText(trimmed).toString()),
      };
      try {
        this.#loadLine(trimmed, place, depth);
      } catch (error) {
        if (error instanceof SettingError) throw new ConfigError(error.message, place);
        throw error;
      }
    }
    return lines.length;
  }

  #loadLine(line: string, place: ConfigPlace, depth: number): void {
    // C would end the line here and lose the rest without a word.
    if (line.includes("\0")) throw new SettingError("the line contains a zero byte");
    const words = splitArguments(bytesOfText(line))?.map(textOfBytes);
    if (words === undefined) throw new SettingError("Unbalanced quotes in configuration line");
    const [first, ...args] = words;
    if (first === undefined) return;
    const name = first.toLowerCase();
    const known = findSetting(name);
    if (known !== undefined) this.#loadSetting(known, args, place);
    else if (!(RETIRED.has(name) && args.length === 1)) this.#loadSpecial(name, args, depth);
  }

  #loadSetting(name: SettingName, args: readonly string[], place: ConfigPlace): void {
    const { takesMany, status } = settings[name];
    if (!takesMany && args.length !== 1) throw new SettingError("wrong number of arguments");
    const [only] = args;
    let words: readonly string[] | undefined = args;
    // `--save "900 1 300 10"`: one argument that holds them all. An empty one stays, `save ""` means something.
    if (takesMany && args.length === 1 && only !== undefined && only !== "") {
      words = splitArguments(bytesOfText(only))?.map(textOfBytes);
      if (words === undefined) throw new SettingError("Unbalanced quotes in configuration line");
    }
    this.config.load(name, words);
    if (status === "ignored" && !this.config.isDefault(name)) {
      this.warnings.push(`The directive '${name}' has no effect in tsredis (${placeText(place)}).`);
    }
  }

  /** Lines that are not a value: they exist in files only. */
  #loadSpecial(name: string, args: readonly string[], depth: number): void {
    const [first = ""] = args;
    if (name === "include" && args.length === 1) {
      if (depth === INCLUDE_DEPTH_MAX) {
        throw new SettingError(
          `include goes deeper than ${INCLUDE_DEPTH_MAX} files; does a file include itself?`,
        );
      }
      this.loadFiles(decodeText(first), depth + 1);
    } else if (name === "rename-command" && args.length === 2) {
      addRenaming(this.config.renamings, first, args[1]);
    } else if (name === "user" && args.length >= 1) {
      addUser(this.config.users, first, args.slice(1));
    } else if (name === "loadmodule" && args.length >= 1) {
      throw new SettingError("tsredis has no modules: loadmodule cannot be obeyed");
    } else if (name === "sentinel") {
      throw new SettingError("sentinel directive while not in sentinel mode");
    } else {
      throw new SettingError("Bad directive or wrong number of arguments");
    }
  }

  /** What can be judged only when all lines are read. */
  check(): void {
    const { logfile, replicaof } = this.config.values;
    if (logfile !== "") {
      try {
        closeSync(openSync(this.config.resolve(logfile), "a"));
      } catch (error) {
        throw new ConfigError(`Can't open the log file: ${systemErrorText(error)}`);
      }
    }
    if (this.config.values["cluster-enabled"] && replicaof !== "") {
      throw new ConfigError("replicaof directive not allowed in cluster mode");
    }
  }
}

function placeText(place: ConfigPlace): string {
  return place.source === COMMAND_LINE ? COMMAND_LINE : `line ${place.line} of ${place.source}`;
}

/** A line as reports may show it: passwords, and what may be meant for one, are left out. */
function withoutSecrets(line: string): string {
  const [first = "", ...rest] = line.split(/[ \t]+/);
  const known = findSetting(first);
  if (known !== undefined && settings[known].sensitive === true) return `${first} (redacted)`;
  if (first.toLowerCase() !== "user") return line;
  return [first, ...rest.map((word) => (/^["'(]*[<>#!]/.test(word) ? "(redacted)" : word))].join(" ");
}

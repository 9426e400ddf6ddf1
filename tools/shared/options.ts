/**
 * Options of a command line: `--name`, `--name VALUE`, `--name=VALUE`, in any order, and what remains. `--` ends
 * them; a single `-` is an operand (standard input).
 */

export interface OptionSpec {
  /** Name of the value, for the help; absent if the option takes none. */
  readonly value?: string;
  readonly help: string;
  /** A short form, like "-h". */
  readonly short?: string;
  /** May be given several times: the values are joined by commas. */
  readonly isRepeatable?: boolean;
}

export interface ParsedOptions<Name extends string> {
  readonly given: ReadonlyMap<Name, string>;
  readonly operands: readonly string[];
}

/** A command line that cannot be understood; `message` says why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Reads a command line. Throws UsageError. */
export function parseOptions<Name extends string>(
  args: readonly string[],
  specs: Readonly<Record<Name, OptionSpec>>,
): ParsedOptions<Name> {
  const given = new Map<Name, string>();
  const operands: string[] = [];
  const names = Object.keys(specs) as Name[];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1;
    const written = equals === -1 ? arg : arg.slice(0, equals);
    const name = names.find((each) => each === written || specs[each].short === written);
    if (name === undefined) throw new UsageError(`Unknown option ${written}${suggestion(written, names)}`);
    const before = given.get(name);
    if (before !== undefined && specs[name].isRepeatable !== true)
      throw new UsageError(`Option ${name} is given twice`);
    if (specs[name].value === undefined) {
      if (equals !== -1) throw new UsageError(`Option ${name} takes no value`);
      given.set(name, "");
    } else {
      const value = equals === -1 ? args[++i] : arg.slice(equals + 1);
      if (value === undefined) throw new UsageError(`Option ${name} needs a value: ${specs[name].value}`);
      given.set(name, before === undefined ? value : `${before},${value}`);
    }
  }
  return { given, operands };
}

/** A value that must be a whole number from 0 on. */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value))
    throw new UsageError(`Option ${name} needs a whole number, not '${text}'`);
  return value;
}

/** The options as lines of a help text. */
export function describeOptions(specs: Readonly<Record<string, OptionSpec>>): string {
  const entries = Object.entries(specs).map(([name, { value, help, short }]) => ({
    head: `${short === undefined ? "" : `${short}, `}${name}${value === undefined ? "" : ` ${value}`}`,
    help,
  }));
  const width = Math.max(...entries.map(({ head }) => head.length)) + 4;
  return entries.map(({ head, help }) => `  ${head}`.padEnd(width) + wrap(help, width)).join("\n");
}

const LINE_CHARACTERS = 100;

function wrap(text: string, indent: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && indent + last.length + word.length >= LINE_CHARACTERS) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}

/** The nearest name, if one is near. */
function suggestion(written: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: distanceOf(written, name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= 3 ? `. Did you mean ${near.name}?` : "";
}

/** Edits that lead from one text to another. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

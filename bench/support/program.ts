/**
 * What every benchmark program does at its edges: read numbers and names of cases from its options, say what it is at,
 * and end with a message rather than a stack trace.
 */

/** The number in an option; throws if it is none from 1 on. */
export function positiveInteger(option: string, text: string): number {
  return integerFrom(1, option, text);
}

/** The number in an option; throws if it is none from `least` on. */
export function integerFrom(least: number, option: string, text: string): number {
  const number = Number(text);
  if (text === "" || !Number.isSafeInteger(number) || number < least) {
    throw new Error(`--${option} takes an integer from ${least} on, not ${text}`);
  }
  return number;
}

/** The cases that --only names, commas between them or repeated; all, if it names none. Throws if there is no such
 * case. */
export function selection(only: readonly string[], names: readonly string[]): readonly string[] {
  const selected = only.flatMap((list) => list.split(","));
  for (const name of selected) {
    if (!names.includes(name)) throw new Error(`no case is called ${name}; there are ${names.join(", ")}`);
  }
  return selected.length === 0 ? names : selected;
}

/** Says on the terminal what is being done; "" takes that away again. Not part of the output. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Runs a program; its exit status is 0 if that resolves with true, else 1. */
export async function runProgram(main: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await main()) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

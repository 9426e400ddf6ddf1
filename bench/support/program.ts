/**
 * What every benchmark program does at its edges: read numbers from its options, and end with a message
 * rather than a stack trace.
 */

/** The number in an option; throws if it is none from 1 on. */
export function positiveInteger(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new Error(`--${option} takes a positive integer, not ${text}`);
  }
  return number;
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

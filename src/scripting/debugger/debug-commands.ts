/**
 * The commands of a debugger's client. Words are one character a byte.
 */
import { DEBUG_HELP } from "./debug-help.ts";
import { leadingInteger } from "./debug-input.ts";
import type { ScriptDebugger } from "./script-debugger.ts";

type DebugCommand = (target: ScriptDebugger, words: readonly string[]) => void;

const DEFAULT_CONTEXT = 5;
const WHOLE_CONTEXT = 1_000_000;
const UNKNOWN_COMMAND = "<error> Unknown Redis Lua debugger command or wrong number of arguments.";
const INTEGER = /^(0|-?[1-9]\d*)$/;

/** By their names; the first letter of each is one, too. */
const COMMANDS: Readonly<Record<string, DebugCommand>> = {
  help: ({ log }) => {
    for (const line of DEBUG_HELP) log.add(line);
  },
  step: (target) => target.step(),
  next: (target) => target.step(),
  continue: (target) => target.continue(),
  trace: (target) => target.trace(),
  maxlen: setMaximumLength,
  break: changeBreakpoints,
  eval: (target, words) => target.evaluate(words.slice(1).join(" ")),
  abort: (target) => target.abort(),
  redis: (target, words) => target.callRedis(words.slice(1)),
  print: (target, words) => {
    if (words.length === 2) target.print(words[1]);
    else target.printAll();
  },
  list: ({ listing, log }, words) => {
    const line = leadingInteger(words[1] ?? "");
    const context = words[2] === undefined ? DEFAULT_CONTEXT : leadingInteger(words[2]);
    listing.showAround(log, line > 0 ? line : listing.currentLine, context);
  },
  whole: ({ listing, log }) => listing.showAround(log, 1, WHOLE_CONTEXT),
};

const BY_WORD = new Map(
  Object.entries(COMMANDS).flatMap(([name, command]) => [
    [name, command],
    [name[0], command],
  ]),
);

/** Does what a command asks for. */
export function executeDebugCommand(target: ScriptDebugger, words: readonly string[]): void {
  // As C reads it.
  const word = words[0].split("\0", 1)[0].toLowerCase();
  const command = BY_WORD.get(word);
  if (command === undefined || (command === COMMANDS.redis && words.length < 2)) {
    target.log.add(UNKNOWN_COMMAND);
  } else command(target, words);
}

function setMaximumLength({ log }: ScriptDebugger, words: readonly string[]): void {
  if (words.length === 2) log.setMaximumLength(leadingInteger(words[1]));
  const { maximumLength } = log;
  if (maximumLength === 0) log.add("<value> replies are unlimited.");
  else log.add(`<value> replies are truncated at ${maximumLength} bytes.`);
}

function changeBreakpoints(target: ScriptDebugger, words: readonly string[]): void {
  const { listing, log } = target;
  for (const word of words.slice(1)) changeBreakpoint(target, word);
  if (words.length > 1) return;
  const { breakpoints } = listing;
  if (breakpoints.length === 0) {
    log.add("No breakpoints set. Use 'b <line>' to add one.");
    return;
  }
  log.add(`${breakpoints.length} breakpoints set:`);
  for (const line of breakpoints) listing.show(log, line);
}

function changeBreakpoint({ listing, log }: ScriptDebugger, word: string): void {
  const line = Number(word);
  if (!INTEGER.test(word) || BigInt.asIntN(64, BigInt(word)) !== BigInt(word)) {
    log.add(`Invalid argument:'${word}'`);
  } else if (line === 0) {
    listing.breakpoints.length = 0;
    log.add("All breakpoints removed.");
  } else if (line < 0) {
    const isRemoved = listing.removeBreakpoint(-line);
    log.add(isRemoved ? "Breakpoint removed." : "No breakpoint in the specified line.");
  } else if (listing.isFull) {
    log.add("Too many breakpoints set.");
  } else if (listing.addBreakpoint(line)) {
    listing.showAround(log, line, 1);
  } else {
    log.add("Wrong line number.");
  }
}

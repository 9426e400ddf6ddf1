/**
 * What a debugger answers to `help`.
 */
export const DEBUG_HELP: readonly string[] = [
  "Commands of the Lua debugger; the letter in brackets is enough:",
  "[h]elp               This text.",
  "[s]tep               Go on to the next line.",
  "[n]ext               The same.",
  "[c]ontinue           Go on to the next breakpoint.",
  "[l]ist [line] [ctx]  The source around a line (by default, or with 0, the present",
  "                     one), and how many lines before and after it (by default 5).",
  "[w]hole              All of the source.",
  "[p]rint              The local variables of the present function.",
  "[p]rint <var>        A variable of this function or of those that called it;",
  "                     KEYS and ARGV, too.",
  "[b]reak              The breakpoints.",
  "[b]reak <line> ...   Set breakpoints at lines. -<line> takes one away, 0 all.",
  "[t]race              The functions that the script is in.",
  "[e]val <code>        Run some Lua. It does not see local variables.",
  "[r]edis <command>    Run a command of Redis.",
  "[m]axlen [length]    Show, or set, where values are cut. 0 is nowhere.",
  "[a]bort              End the script with an error. With --ldb-sync-mode what it",
  "                     has changed stays so.",
  "",
  "What a script can call:",
  "redis.debug(...)     Show values here.",
  "redis.breakpoint()   Stop at the next line.",
];

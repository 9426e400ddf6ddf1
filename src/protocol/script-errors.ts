/**
 * The error texts that scripts and functions bring, as in errors.ts: for their callers, and for them.
 */

// Scripts.
export const NO_SUCH_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
export const NUMKEYS_NEGATIVE = "ERR Number of keys can't be negative";
export const NO_SCRIPT_RUNNING = "NOTBUSY No scripts in execution right now.";
export const BUSY_SCRIPT =
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
export const BUSY_FUNCTION =
  "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
export const SCRIPT_HAS_WRITTEN =
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script" +
  " termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.";
export const INVALID_SCRIPT_FLUSH = "ERR SCRIPT FLUSH only support SYNC|ASYNC option";
export const DEBUG_IN_PIPELINE = "ERR SCRIPT DEBUG must be called outside a pipeline";
export const DEBUG_NEEDS_SOURCE = "ERR Please use EVAL instead of EVALSHA for debugging";
export const DEBUG_IN_TRANSACTION = "ERR Scripts cannot be debugged within a transaction";
export const TOO_MANY_DEBUGGERS = "ERR Too many scripts are being debugged";
/** What a script that is debugged with SCRIPT DEBUG YES gets for what cannot be taken back. */
export const NOT_PRIVATE =
  "ERR What this command changes cannot be taken back: use SCRIPT DEBUG SYNC to debug a script with it";
export const PRIVATE_KEY_UNREADABLE = "ERR A key that the script has changed cannot be read from the disk";
export const INVALID_SCRIPT_DEBUG = "ERR Use SCRIPT DEBUG YES/SYNC/NO";
export const READ_ONLY_CANNOT_RUN_WRITER = "ERR Can not execute a script with write flag using *_ro command.";
export const SCRIPT_MEMORY_EXHAUSTED =
  "ERR Error running script: it needs more memory than scripts may take, or its calls are nested too deeply";
/** What a script gets for a command that it may not call, or not so. */
export const UNKNOWN_COMMAND_IN_SCRIPT = "ERR Unknown Redis command called from script";
export const WRONG_ARITY_IN_SCRIPT = "ERR Wrong number of args calling Redis command from script";
export const NOT_ALLOWED_IN_SCRIPT = "ERR This Redis command is not allowed from script";
export const REPLY_TOO_LARGE_IN_SCRIPT = "ERR The reply to a command called from script is too large";
export const WRITE_IN_READ_ONLY_SCRIPT = "ERR Write commands are not allowed from read-only scripts.";
/** The user of the client may not execute a command that the script calls. */
export const COMMAND_DENIED_IN_SCRIPT =
  "ERR The user executing the script can't run this command or subcommand";
export const KEY_DENIED_IN_SCRIPT =
  "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments";
export const CHANNEL_DENIED_IN_SCRIPT =
  "ERR The user executing the script can't publish to the channel mentioned in the command";
export const INVALID_SHEBANG = "ERR Invalid script shebang";
export const INVALID_SHEBANG_ENGINE = "ERR Invalid engine in script shebang";

// Functions.
export const NO_SUCH_FUNCTION = "ERR Function not found";
export const NO_SUCH_LIBRARY = "ERR Library not found";
export const BAD_NUMBER_OF_KEYS = "ERR Bad number of keys provided";
export const FUNCTION_CODE_MISSING = "ERR Function code is missing";
export const NO_LIBRARY_METADATA = "ERR Missing library metadata";
export const INVALID_LIBRARY_METADATA = "ERR Invalid library metadata";
export const LIBRARY_NAME_TWICE = "ERR Invalid metadata value, name argument was given multiple times";
export const LIBRARY_NAME_MISSING = "ERR Library name was not given";
export const INVALID_LIBRARY_NAME =
  "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
export const NO_FUNCTIONS_REGISTERED = "ERR No functions registered";
export const FUNCTION_LOAD_TIMEOUT = "ERR Error registering functions: ERR FUNCTION LOAD timeout";
export const LIBRARY_NAME_NOT_GIVEN = "ERR library name argument was not given";
export const INVALID_FUNCTION_FLUSH = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option";
export const INVALID_RESTORE_POLICY =
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
export const NOT_A_FUNCTION_DUMP = "ERR given type is not a function";
export const DAMAGED_FUNCTION_DUMP = "ERR failed loading the given functions payload";

export function invalidLibraryMetadata(value: string): string {
  return `ERR Invalid metadata value given: ${value}`;
}

export function engineNotFound(engine: string): string {
  return `ERR Engine '${engine}' not found`;
}

/** FUNCTION LOAD without REPLACE. */
export function libraryExists(name: string): string {
  return `ERR Library '${name}' already exists`;
}

/** FUNCTION RESTORE with APPEND. */
export function restoredLibraryExists(name: string): string {
  return `ERR Library ${name} already exists`;
}

export function functionExists(name: string): string {
  return `ERR Function ${name} already exists`;
}

export function functionNotCompiled(reason: string): string {
  return `ERR Error compiling function: ${reason}`;
}

/** `reason` has a code. */
export function functionsNotRegistered(reason: string): string {
  return `ERR Error registering functions: ${reason}`;
}

export function unknownFunctionOption(option: string): string {
  return `ERR Unknown option given: ${option}`;
}

export function unknownFunctionArgument(argument: string): string {
  return `ERR Unknown argument ${argument}`;
}

/** A script cannot be compiled. */
export function scriptNotCompiled(reason: string): string {
  return `ERR Error compiling script (new function): ${reason}`;
}

export function unexpectedEngine(engine: string): string {
  return `ERR Unexpected engine in script shebang: ${engine}`;
}

export function unexpectedScriptFlag(flag: string): string {
  return `ERR Unexpected flag in script shebang: ${flag}`;
}

export function unknownShebangOption(option: string): string {
  return `ERR Unknown lua shebang option: ${option}`;
}

/** A script with flags may write, and the append-only file cannot be written. */
export function scriptDiskError(reason: string): string {
  return (
    "MISCONF Redis is configured to persist data to AOF, but it's currently unable to persist to disk. Writable scripts" +
    ` are blocked. Use 'no-writes' flag for read only scripts. AOF error: ${reason}`
  );
}

/** `command` is the name as the script wrote it. */
export function cannotBlockInScript(command: string): string {
  return `ERR ${command} command is not allowed with BLOCK option from scripts`;
}

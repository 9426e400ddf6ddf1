/**
 * Every error text that a client can receive, code included ("ERR ...", without the "-" and the line's end). Texts
 * are those of Redis 7.0, because clients match them. Constants first, by the commands that use them, then functions
 * for texts that name what was wrong. Those of scripts are in script-errors.ts,
 * those of replication in replication-errors.ts.
 *
 * What a client sent goes into a text as one character per byte (`Request.text`) and up to its first NUL byte: the
 * reply writer sends it back byte for byte, except that it puts blanks for line ends.
 */
import type { Request } from "./request.ts";

/** Bytes of a client's own words that an error text repeats. */
const MAX_REPEATED = 128;
const LINE_ENDS_AT_END = /[\r\n]+$/;

/** An error with the general code. */
export function error(text: string): string {
  return `ERR ${text}`;
}

// Any command: arguments and keys.
export const SLOWLOG_COUNT_INVALID = "ERR count should be greater than or equal to -1";
export const MONITOR_IN_TRANSACTION = "ERR MONITOR isn't allowed for DENY BLOCKING client";
export const SYNTAX_ERROR = "ERR syntax error";
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
export const NOT_A_FLOAT = "ERR value is not a valid float";
export const NOT_FINITE = "ERR value is NaN or Infinity";
export const VALUE_OUT_OF_RANGE = "ERR value is out of range";
export const VALUE_NOT_POSITIVE = "ERR value is out of range, must be positive";
export const NO_SUCH_KEY = "ERR no such key";
export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const SAME_OBJECT = "ERR source and destination objects are the same";
export const DB_INDEX_OUT_OF_RANGE = "ERR DB index is out of range";

// Gates before a command: authentication, memory, disk, state of the server.
export const NOT_AUTHENTICATED = "NOAUTH Authentication required.";
export const NO_PERMISSION_FOR_KEY =
  "NOPERM this user has no permissions to access one of the keys used as arguments";
export const NO_PERMISSION_FOR_CHANNEL =
  "NOPERM this user has no permissions to access one of the channels used as arguments";
export const NESTED_MULTI = "ERR MULTI calls can not be nested";
export const EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI";
export const DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI";
export const WATCH_INSIDE_MULTI = "ERR WATCH inside MULTI is not allowed";
export const NOT_IN_TRANSACTION = "ERR Command not allowed inside a transaction";
/** EXEC after a command that could not be queued. */
export const TRANSACTION_HAD_ERRORS = "EXECABORT Transaction discarded because of previous errors.";
/** A command would have to wait, which nothing can within EXEC. */
export const CANNOT_WAIT_IN_TRANSACTION = "ERR This cannot be done inside a transaction";
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const LOADING = "LOADING Redis is loading the dataset in memory";
export const TOO_MANY_CLIENTS = "ERR max number of clients reached";
export const PROTECTED_MODE =
  "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default" +
  " user. In this mode connections are only accepted from the loopback interface. If you want to connect from external" +
  " computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command" +
  " 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is" +
  " running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make" +
  " this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration" +
  " file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server" +
  " manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password" +
  " for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting" +
  " connections from the outside.";

// Strings.
export const STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
export const OFFSET_OUT_OF_RANGE = "ERR offset is out of range";
export const INCREMENT_OVERFLOW = "ERR increment or decrement would overflow";
export const DECREMENT_OVERFLOW = "ERR decrement would overflow";
export const INCREMENT_NOT_FINITE = "ERR increment would produce NaN or Infinity";
export const LCS_NOT_STRINGS = "ERR The specified keys must contain string values";
export const LCS_LENGTH_AND_INDEXES = "ERR If you want both the length and indexes, please just use IDX.";
export const LCS_TOO_MUCH_MEMORY =
  "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
export const LCS_NO_MEMORY = "ERR Insufficient memory, failed allocating transient memory for LCS";

// Hashes.
export const HASH_VALUE_NOT_AN_INTEGER = "ERR hash value is not an integer";
export const HASH_VALUE_NOT_A_FLOAT = "ERR hash value is not a float";
export const FIELD_EXPIRE_TIME_NEGATIVE = "ERR invalid expire time, must be >= 0";
export const FIELDS_MISSING = "ERR Mandatory argument FIELDS is missing or not at the right position";
export const FIELD_COUNT_NOT_POSITIVE = "ERR Parameter `numFields` should be greater than 0";
export const NUMBER_OF_FIELDS_NOT_POSITIVE = "ERR Number of fields must be a positive integer";
export const FIELDS_COUNT_MISMATCH = "ERR The `numfields` parameter must match the number of arguments";

// Bitmaps.
export const BIT_OFFSET_OUT_OF_RANGE = "ERR bit offset is not an integer or out of range";
export const BIT_OUT_OF_RANGE = "ERR bit is not an integer or out of range";
export const BIT_NEITHER_ONE_NOR_ZERO = "ERR The bit argument must be 1 or 0.";
export const BITOP_NOT_SEVERAL_SOURCES = "ERR BITOP NOT must be called with a single source key.";
export const INVALID_BITFIELD_TYPE =
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
export const INVALID_OVERFLOW_TYPE = "ERR Invalid OVERFLOW type specified";
export const BITFIELD_RO_WRITES = "ERR BITFIELD_RO only supports the GET subcommand";

// HyperLogLogs.
export const NOT_A_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value.";
export const DAMAGED_HYPERLOGLOG = "INVALIDOBJ Corrupted HLL object detected";
export const NO_SUCH_HYPERLOGLOG = "ERR The specified key does not exist";
export const HYPERLOGLOG_NOT_SPARSE = "ERR HLL encoding is not sparse";

// Lists.
export const INDEX_OUT_OF_RANGE = "ERR index out of range";
export const NUMKEYS_NOT_GREATER_THAN_0 = "ERR numkeys should be greater than 0";
export const NUMKEYS_TOO_LARGE = "ERR Number of keys can't be greater than number of args";
export const LIMIT_NEGATIVE = "ERR LIMIT can't be negative";
export const COUNT_NOT_GREATER_THAN_0 = "ERR count should be greater than 0";
export const RANK_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the" +
  " end of the list";
export const COUNT_NEGATIVE = "ERR COUNT can't be negative";
export const MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative";

// Sorted sets.
export const ZADD_XX_AND_NX = "ERR XX and NX options at the same time are not compatible";
export const ZADD_GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible";
export const ZADD_INCR_PAIRS = "ERR INCR option supports a single increment-element pair";
export const SCORE_NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";
export const RANGE_NOT_A_FLOAT = "ERR min or max is not a float";
export const INVALID_MEMBER_RANGE = "ERR min or max not valid string range item";
export const LIMIT_WITHOUT_BY =
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
export const WITHSCORES_AND_BYLEX = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
export const WEIGHT_NOT_A_FLOAT = "ERR weight value is not a float";

// Geographic positions.
export const UNSUPPORTED_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";
export const RADIUS_NOT_A_FLOAT = "ERR need numeric radius";
export const RADIUS_NEGATIVE = "ERR radius cannot be negative";
export const WIDTH_NOT_A_FLOAT = "ERR need numeric width";
export const HEIGHT_NOT_A_FLOAT = "ERR need numeric height";
export const BOX_NEGATIVE = "ERR height or width cannot be negative";
export const NO_SUCH_GEO_MEMBER = "ERR could not decode requested zset member";
export const GEO_COUNT_NOT_POSITIVE = "ERR COUNT must be > 0";
export const ANY_WITHOUT_COUNT = "ERR the ANY argument requires COUNT argument";

// Streams.
export const INVALID_STREAM_ID = "ERR Invalid stream ID specified as stream command argument";
export const INVALID_INTERVAL_START = "ERR invalid start ID for the interval";
export const INVALID_INTERVAL_END = "ERR invalid end ID for the interval";
export const TWO_TRIM_STRATEGIES =
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
export const STREAM_MAXLEN_NEGATIVE = "ERR The MAXLEN argument must be >= 0.";
export const TRIM_LIMIT_NEGATIVE = "ERR The LIMIT argument must be >= 0.";
export const LIMIT_WITHOUT_STRATEGY =
  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
export const LIMIT_OF_EXACT_TRIM = "ERR syntax error, LIMIT cannot be used without the special ~ option";
export const NO_TRIM_STRATEGY = "ERR syntax error, XTRIM must be called with a trimming strategy";
export const STREAM_ID_ZERO = "ERR The ID specified in XADD must be greater than 0-0";
export const STREAM_IDS_EXHAUSTED =
  "ERR The stream has exhausted the last possible ID, unable to add more items";
export const STREAM_ID_TOO_SMALL =
  "ERR The ID specified in XADD is equal or smaller than the target stream top item";
export const STREAM_ENTRY_TOO_LARGE = "ERR Elements are too large to be stored";
export const ENTRIES_ADDED_NEGATIVE = "ERR entries_added must be positive";
export const ENTRIES_ADDED_TOO_SMALL =
  "ERR The entries_added specified in XSETID is smaller than the target stream length";
export const SET_ID_BELOW_DELETED =
  "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
export const SET_ID_BELOW_LAST = "ERR The ID specified in XSETID is smaller than the target stream top item";
export const UNBALANCED_STREAMS =
  "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.";
export const GROUP_NEEDS_XREADGROUP =
  "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.";
export const NOACK_NEEDS_XREADGROUP =
  "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.";
export const MISSING_GROUP = "ERR Missing GROUP option for XREADGROUP";
export const LAST_ID_IN_XREADGROUP =
  "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by" +
  " specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.";
export const NEW_IDS_IN_XREAD =
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.";
export const AWAITED_STREAM_GONE = "UNBLOCKED the stream key no longer exists";
export const AWAITED_GROUP_GONE = "NOGROUP the consumer group this client was blocked on no longer exists";
export const ENTRIES_READ_NEGATIVE = "ERR value for ENTRIESREAD must be positive or -1";
export const GROUP_NEEDS_KEY =
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option" +
  " to create an empty stream automatically.";
export const GROUP_EXISTS = "BUSYGROUP Consumer Group name already exists";
export const INVALID_XCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XCLAIM";
export const INVALID_XAUTOCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XAUTOCLAIM";
export const INVALID_XCLAIM_IDLE = "ERR Invalid IDLE option argument for XCLAIM";
export const INVALID_XCLAIM_TIME = "ERR Invalid TIME option argument for XCLAIM";
export const INVALID_XCLAIM_RETRYCOUNT = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
export const CLAIM_COUNT_NOT_POSITIVE = "ERR COUNT must be > 0";

// Keys of any type.
export const SORT_NOT_A_DOUBLE = "ERR One or more scores can't be converted into double";
export const INVALID_CURSOR = "ERR invalid cursor";
export const EXPIRE_NX_AND_OTHERS = "ERR NX and XX, GT or LT options at the same time are not compatible";
export const EXPIRE_GT_AND_LT = "ERR GT and LT options at the same time are not compatible";
export const INVALID_FIRST_DB_INDEX = "ERR invalid first DB index";
export const INVALID_SECOND_DB_INDEX = "ERR invalid second DB index";
export const TARGET_KEY_EXISTS = "BUSYKEY Target key name already exists.";
export const INVALID_TTL = "ERR Invalid TTL value, must be >= 0";
export const INVALID_IDLE_TIME = "ERR Invalid IDLETIME value, must be >= 0";
export const INVALID_FREQUENCY = "ERR Invalid FREQ value, must be >= 0 and <= 255";
export const WRONG_DUMP_FOOTER = "ERR DUMP payload version or checksum are wrong";
export const BAD_DUMP_DATA = "ERR Bad data format";
export const NOT_TRACKING_IDLE_TIME =
  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies" +
  " at runtime LRU and LFU data will take some time to adjust.";
export const NOT_TRACKING_FREQUENCY =
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between" +
  " policies at runtime LRU and LFU data will take some time to adjust.";

// Connections: AUTH, HELLO, CLIENT, RESET.
export const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
export const NO_PASSWORD_SET =
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration" +
  " is correct?";
export const PROTOCOL_VERSION_NOT_AN_INTEGER = "ERR Protocol version is not an integer or out of range";
export const UNSUPPORTED_PROTOCOL = "NOPROTO unsupported protocol version";
export const HELLO_NOT_AUTHENTICATED =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option" +
  " can be used to authenticate the client and select the RESP protocol version at the same time";
export const INVALID_CLIENT_NAME = "ERR Client names cannot contain spaces, newlines or special characters.";
export const INVALID_CLIENT_ID = "ERR Invalid client ID";
export const CLIENT_ID_NOT_POSITIVE = "ERR client-id should be greater than 0";
export const NO_SUCH_CLIENT = "ERR No such client";
export const UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
export const INVALID_UNBLOCK_REASON = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
export const INVALID_PAUSE_MODE = "ERR CLIENT PAUSE mode must be WRITE or ALL";
export const REDIRECTED_TWICE = "ERR A client can only redirect to a single other client";
export const REDIRECTION_WITHOUT_CLIENT = "ERR The client ID you want redirect to does not exist";
export const PREFIX_WITHOUT_BCAST = "ERR PREFIX option requires BCAST mode to be enabled";
export const CANNOT_SWITCH_BCAST =
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a" +
  " different mode.";
export const BCAST_WITH_OPTIONS = "ERR OPTIN and OPTOUT are not compatible with BCAST";
export const OPTIN_AND_OPTOUT = "ERR You can't specify both OPTIN mode and OPTOUT mode";
export const CANNOT_SWITCH_OPTIONS =
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a" +
  " different mode.";
export const CACHING_WITHOUT_TRACKING =
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";
export const CACHING_YES_WITHOUT_OPTIN =
  "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
export const CACHING_NO_WITHOUT_OPTOUT =
  "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";
export const TIMEOUT_NOT_A_FLOAT = "ERR timeout is not a float or out of range";
export const TIMEOUT_NOT_AN_INTEGER = "ERR timeout is not an integer or out of range";
export const TIMEOUT_NEGATIVE = "ERR timeout is negative";
export const TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";
export const WAITAOF_WITHOUT_AOF =
  "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

export const NO_CLUSTER = "ERR This instance has cluster support disabled";

// Users: ACL.
export const INVALID_USERNAME = "ERR Usernames can't contain spaces or null characters";
export const DEFAULT_USER_STAYS = "ERR The 'default' user cannot be removed";
export const GENPASS_BITS =
  "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096";
export const NO_ACL_FILE =
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER" +
  " command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users" +
  " in the Redis configuration.";
export const ACL_NOT_SAVED =
  "ERR There was an error trying to save the ACLs. Please check the server logs for more information";
export const SORT_BY_DENIED = "ERR BY option of SORT denied due to insufficient ACL permissions.";
export const SORT_GET_DENIED = "ERR GET option of SORT denied due to insufficient ACL permissions.";

// The server: COMMAND, CONFIG, saving, SHUTDOWN.
export const INVALID_COMMAND = "ERR Invalid command specified";
export const COMMAND_HAS_NO_KEYS = "ERR The command has no key arguments";
export const INVALID_COMMAND_ARGUMENT_COUNT = "ERR Invalid number of arguments specified for command";
export const INVALID_COMMAND_ARGUMENTS = "ERR Invalid arguments specified for command";
export const NO_CONFIG_FILE = "ERR The server is running without a config file";
export const REWRITE_IN_PROGRESS = "ERR Background append only file rewriting already in progress";
export const SAVE_IN_PROGRESS = "ERR Background save already in progress";
export const ANOTHER_CHILD_ACTIVE =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. " +
  "Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";
export const RELOAD_OPTIONS = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
export const NOT_A_NODE_SIZE = "ERR argument must be a memory value bigger than 1 and smaller than 4gb";
export const RELOAD_FAILED = "ERR Error trying to load the RDB dump";
export const LOG_RELOAD_FAILURES = {
  "not saved": "ERR The append only file cannot be written",
  "not loaded": "ERR There is no append only file that can be loaded",
  "in the cold tier":
    "ERR A part of the data lies in the cold tier: only a restart can load the append only file",
} as const;
export const RESP2_NOT_SUPPORTED = "ERR RESP2 is not supported by this command";
export const UNKNOWN_PROTOCOL_TYPE =
  "ERR Wrong protocol type name. Please use one of the following: " +
  "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
export const DEBUG_NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  "connection, otherwise you need to set this option in the configuration file, and then restart the server.";
/** The error without a reason: the log has it. */
export const GENERAL_ERROR = "ERR";
/** Writing refused because snapshots fail. */
export const SAVE_FAILED =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
  "Commands that may modify the data set are disabled, because this instance is configured to report errors " +
  "during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). " +
  "Please check the Redis logs for details about the RDB error.";
export const NO_SHUTDOWN = "ERR No shutdown in progress.";
export const SHUTDOWN_FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";

/** A command that no one knows, with its first arguments. */
export function unknownCommand(request: Request): string {
  let args = "";
  for (let i = 1; i < request.argc && args.length < MAX_REPEATED; i++) {
    args += `'${repeated(request, i, MAX_REPEATED - args.length)}' `;
  }
  return `ERR unknown command '${repeated(request, 0, MAX_REPEATED)}', with args beginning with: ${args}`;
}

/** A container command's subcommand that no one knows: argument 1 of the request. */
export function unknownSubcommand(request: Request): string {
  const container = repeated(request, 0, request.len[0]).toUpperCase();
  return `ERR unknown subcommand '${repeated(request, 1, MAX_REPEATED)}'. Try ${container} HELP.`;
}

/** CONFIG REWRITE could not; `reason` is the system's. */
export function configNotRewritten(reason: string): string {
  return `ERR Rewriting config file: ${reason}`;
}

/** LATENCY GRAPH of events that did not occur. */
export function noLatencySamples(event: string): string {
  return `ERR No samples available for event '${event}'`;
}

/** A subcommand that is known, but not with such arguments. */
export function wrongSubcommandSyntax(request: Request): string {
  const container = repeated(request, 0, request.len[0]).toUpperCase();
  const name = repeated(request, 1, MAX_REPEATED);
  return `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${container} HELP.`;
}

/** `command` is the full name in lower case. */
export function notForSubscribers(command: string): string {
  return `ERR Can't execute '${command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
}

/** `command` is the name of a command that subscribes. */
export function subscribeNotAllowed(command: string): string {
  return `ERR ${command.toUpperCase()} isn't allowed for a DENY BLOCKING client`;
}

/** `command` is the full name in lower case, "client|kill" for a subcommand. */
export function wrongArity(command: string): string {
  return `ERR wrong number of arguments for '${command}' command`;
}

export function invalidExpireTime(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}

export function valueNotBetween(min: number | bigint, max: number | bigint): string {
  return `ERR value is out of range, value must between ${min} and ${max}`;
}

/** `command` is the name in lower case. */
export function noInputKeys(command: string): string {
  return `ERR at least 1 input key is needed for '${command}' command`;
}

/** Longitude and latitude as C's "%f" prints them. */
export function invalidPosition(longitude: string, latitude: string): string {
  return `ERR invalid longitude,latitude pair ${longitude},${latitude}`;
}

/** `what` is the command or option that stores. */
export function storingWithDetails(what: string): string {
  return `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`;
}

/** `command` is the name as the client wrote it. */
export function noSearchCenter(command: string): string {
  return `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${command}`;
}

export function noSearchShape(command: string): string {
  return `ERR exactly one of BYRADIUS and BYBOX can be specified for ${command}`;
}

/** XGROUP and XINFO: the stream has no such consumer group. */
export function noSuchGroup(group: string, key: string): string {
  return `NOGROUP No such consumer group '${group}' for key name '${key}'`;
}

/** Other commands of streams: there is no such stream, or it has no such consumer group. */
export function noSuchKeyOrGroup(key: string, group: string): string {
  return `NOGROUP No such key '${key}' or consumer group '${group}'`;
}

export function noSuchKeyOrGroupToRead(key: string, group: string): string {
  return `${noSuchKeyOrGroup(key, group)} in XREADGROUP with GROUP option`;
}

export function unknownXclaimOption(option: string): string {
  return `ERR Unrecognized XCLAIM option '${option}'`;
}

/** EXEC itself was refused, with the error `reason`. */
export function transactionDiscarded(reason: string): string {
  return `EXECABORT Transaction discarded because of: ${reason.replace(/^ERR /, "")}`;
}

export function unknownPfdebugSubcommand(name: string): string {
  return `ERR Unknown PFDEBUG subcommand '${name}'`;
}

/** PFSELFTEST has found a mistake. */
export function selfTestFailed(finding: string): string {
  return `ERR TESTFAILED ${finding}`;
}

export function unsupportedOption(option: string): string {
  return `ERR Unsupported option ${option}`.replace(LINE_ENDS_AT_END, "");
}

export function unknownClientType(type: string): string {
  return `ERR Unknown client type '${type}'`;
}

/** `command` is the full name in lower case. */
export function noPermissionFor(command: string): string {
  return `NOPERM this user has no permissions to run the '${command}' command`;
}

/** A command was allowed when it was queued, and no longer is when EXEC comes. */
export function noPermissionAnyMore(reason: string): string {
  return (
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no" +
    ` longer allowed for the following reason: ${reason}`
  );
}

export function unknownAclCategory(category: string): string {
  return `ERR Unknown category '${category}'`;
}

/** ACL DRYRUN. */
export function noSuchUserToTry(user: string): string {
  return `ERR User '${user}' not found`;
}

export function noSuchCommandToTry(command: string): string {
  return `ERR Command '${command}' not found`;
}

export function noSuchUser(user: string): string {
  return `ERR No such user '${user}'`;
}

/** CLIENT TRACKING: two prefixes of one client, one of which begins the other. `other` is a given one, or one that the
 * client has already. */
export function prefixesOverlap(prefix: string, other: string, isExisting: boolean): string {
  const kind = isExisting ? "an existing" : "another provided";
  return `ERR Prefix '${prefix}' overlaps with ${kind} prefix '${other}'. Prefixes for a single client must not overlap.`;
}

/** CLIENT SETINFO with an attribute that no client has, or a value that does not fit a line of CLIENT LIST. */
export function unrecognizedAttribute(attribute: string): string {
  return `ERR Unrecognized option '${attribute}'`;
}

export function invalidClientAttribute(attribute: string): string {
  return `ERR ${attribute} cannot contain spaces, newlines or special characters.`;
}

export function unknownHelloOption(option: string): string {
  return `ERR Syntax error in HELLO option '${option}'`;
}

/** CONFIG SET with a name that no directive has. */
export function unknownDirective(name: string): string {
  return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
}

/** CONFIG SET that was refused or could not be put into effect. */
export function directiveNotSet(name: string, reason?: string): string {
  const text = `ERR CONFIG SET failed (possibly related to argument '${name}')`;
  return reason === undefined ? text : `${text} - ${reason}`.replace(LINE_ENDS_AT_END, "");
}

/** Writing refused because the append-only file cannot be written. */
export function appendOnlyFileFailed(reason: string): string {
  return `MISCONF Errors writing to the AOF file: ${reason}`;
}

/** Argument i up to its first NUL byte, at most `limit` bytes of it. */
function repeated(request: Request, i: number, limit: number): string {
  const start = request.start[i];
  const text = request.buf.toString("latin1", start, start + Math.min(request.len[i], limit));
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

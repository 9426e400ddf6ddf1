/**
 * DEBUG, as far as tests of the server need it. Its subcommands are no commands of their own, as in Redis: whoever may
 * use it (enable-debug-command) may use all.
 */
import { leadingInt32, parseDoubleLeniently } from "../../base/numbers.ts";
import {
  GENERAL_ERROR,
  LOG_RELOAD_FAILURES,
  NO_SUCH_KEY,
  NOT_A_NODE_SIZE,
  RELOAD_FAILED,
  RELOAD_OPTIONS,
  RESP2_NOT_SUPPORTED,
  UNKNOWN_PROTOCOL_TYPE,
  wrongSubcommandSyntax,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { dataTypeOf } from "../../types/registry.ts";
import { isWord } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpLines } from "../help.ts";
import type { DebugAccess, ReloadOptions, ReloadResult } from "../services.ts";
import { populate } from "./debug-populate.ts";

interface Subcommand {
  readonly name: string;
  /** Number of arguments, the name of the command included; negative: at least that many. */
  readonly arity: number;
  readonly help: readonly string[];
  run(ctx: CommandContext): Outcome;
}

const HEX = 16;
const MILLISECONDS = 1000;

const digest: Subcommand = {
  name: "digest",
  arity: 2,
  help: ["DIGEST", "    A digest of all keys and values, the same as that of a Redis with the same data."],
  run: (ctx) => ctx.suspend(ctx.server.debugging.digest(), ({ reply }, text) => reply.simple(text)),
};

const digestValue: Subcommand = {
  name: "digest-value",
  arity: -2,
  help: [
    "DIGEST-VALUE <key> [<key> ...]",
    "    Digests of the values of keys; of one that is not there, zeros.",
  ],
  run(ctx) {
    const { db, reply, request, server } = ctx;
    const keys: Buffer[] = [];
    for (let i = 2; i < request.argc; i++) keys.push(request.bytes(i));
    const fetching = ctx.fetchKeys(keys);
    if (fetching !== undefined) return fetching;
    reply.array(keys.length);
    for (const key of keys) {
      const address = db.find(key, 0, key.length);
      const isThere = address !== 0 && !db.isTombstone(address);
      reply.simple(isThere ? server.debugging.digestOf(address) : "0".repeat(40));
    }
    return DONE;
  },
};

const error: Subcommand = {
  name: "error",
  arity: 3,
  help: ["ERROR <string>", "    Answers an error with that text."],
  run: ({ reply, request }) => reply.error(request.text(2).replace(/[\r\n]/g, " ")),
};

const loadLog: Subcommand = {
  name: "loadaof",
  arity: 2,
  help: ["LOADAOF", "    Writes out the append-only file, and replaces all keys by what it holds."],
  run: (ctx) =>
    ctx.suspend(ctx.server.debugging.reloadLog(), ({ reply }, result) =>
      result === "done" ? reply.ok() : reply.error(LOG_RELOAD_FAILURES[result]),
    ),
};

const log: Subcommand = {
  name: "log",
  arity: 3,
  help: ["LOG <message>", "    Writes a line to the log."],
  run({ reply, request, server }) {
    server.debugging.log(`DEBUG LOG: ${request.text(2)}`);
    return reply.ok();
  },
};

const object: Subcommand = {
  name: "object",
  arity: 3,
  help: ["OBJECT <key>", "    Where and how a value lies."],
  run(ctx) {
    const { db, keyspace, reply, request, server } = ctx;
    const key = request.bytes(2);
    const fetching = ctx.fetchKeys([key]);
    if (fetching !== undefined) return fetching;
    const address = db.find(key, 0, key.length);
    if (address === 0 || db.isTombstone(address)) return reply.error(NO_SUCH_KEY);
    const { accessClock, entries } = keyspace;
    const encoding = dataTypeOf(entries.type(address)).encodingName(entries.encoding(address));
    const access = entries.access(address);
    const idleSeconds = accessClock.lfu ? 0 : accessClock.idleSeconds(access);
    return reply.simple(
      `Value at:0x${(address >>> 0).toString(HEX)} refcount:1 encoding:${encoding} ` +
        `serializedlength:${server.debugging.packedBytes(address)} lru:${access} lru_seconds_idle:${idleSeconds}`,
    );
  },
};

/** A subcommand that switches something on or off. */
function switching(
  name: string,
  help: string,
  set: (debugging: DebugAccess, isOn: boolean) => void,
): Subcommand {
  return {
    name,
    arity: 3,
    help: [`${name.toUpperCase()} <0|1>`, `    ${help}`],
    run(ctx) {
      set(ctx.server.debugging, isOn(ctx));
      return ctx.reply.ok();
    },
  };
}

const pauseCron = switching(
  "pause-cron",
  "Whether what is done some times a second is left undone.",
  (debugging, isPaused) => debugging.pauseCron(isPaused),
);

const protocol: Subcommand = {
  name: "protocol",
  arity: 3,
  help: [
    "PROTOCOL <type>",
    "    Answers a value of that type: string, integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
    "    true, false.",
  ],
  run(ctx) {
    const type = Object.keys(SAMPLES).find((word) => isWord(ctx.request, 2, word));
    return type === undefined ? ctx.reply.error(UNKNOWN_PROTOCOL_TYPE) : SAMPLES[type](ctx);
  },
};

/** The values that Redis answers. */
const SAMPLES: Readonly<Record<string, (ctx: CommandContext) => Outcome>> = {
  string: ({ reply }) => reply.bulkText("Hello World"),
  integer: ({ reply }) => reply.integer(12345),
  double: ({ reply }) => reply.double(3.141),
  bignum: ({ reply }) => reply.bigNumber("1234567999999999999999999999999999999"),
  null: ({ reply }) => reply.null(),
  array({ reply }) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
    return DONE;
  },
  set({ reply }) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
    return DONE;
  },
  map({ reply }) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
    return DONE;
  },
  attrib({ reply }) {
    if (reply.resp === 3) {
      reply.attribute(1);
      reply.bulkText("key-popularity");
      reply.array(2);
      reply.bulkText("key:123");
      reply.integer(90);
    }
    return reply.bulkText("Some real reply following the attribute");
  },
  push({ reply }) {
    if (reply.resp === 2) return reply.error(RESP2_NOT_SUPPORTED);
    reply.push(2);
    reply.bulkText("server-cpu-usage");
    reply.integer(42);
    return reply.bulkText("Some real reply following the push reply");
  },
  true: ({ reply }) => reply.boolean(true),
  false: ({ reply }) => reply.boolean(false),
  verbatim: ({ reply }) => reply.verbatim("This is a verbatim\nstring", "txt"),
};

const reload: Subcommand = {
  name: "reload",
  arity: -2,
  help: [
    "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
    "    Saves all keys to the dump file and loads them again. MERGE: keys of the file replace those that are there.",
    "    NOFLUSH: what is there stays; a key that is in the file, too, ends loading. NOSAVE: loads the file as it is.",
  ],
  run(ctx) {
    const { reply, request, server } = ctx;
    const options: { -readonly [Name in keyof ReloadOptions]: boolean } = {
      save: true,
      flush: true,
      merge: false,
    };
    for (let i = 2; i < request.argc; i++) {
      if (isWord(request, i, "merge")) options.merge = true;
      else if (isWord(request, i, "noflush")) options.flush = false;
      else if (isWord(request, i, "nosave")) options.save = false;
      else return reply.error(RELOAD_OPTIONS);
    }
    return ctx.suspend(server.debugging.reload(options), answerReload);
  },
};

function answerReload({ reply }: CommandContext, result: ReloadResult): Outcome {
  if (result === "done") return reply.ok();
  return reply.error(result === "not saved" ? GENERAL_ERROR : RELOAD_FAILED);
}

const configRewriteForceAll: Subcommand = {
  name: "config-rewrite-force-all",
  arity: 2,
  help: [
    "CONFIG-REWRITE-FORCE-ALL",
    "    As CONFIG REWRITE, but with all directives, those too that have their defaults.",
  ],
  run({ reply, server }) {
    const refusal = server.config.rewrite(true);
    return refusal === undefined ? reply.ok() : reply.error(refusal);
  },
};

const population: Subcommand = {
  name: "populate",
  arity: -3,
  help: [
    "POPULATE <count> [<prefix>] [<size>]",
    "    Makes strings <prefix>:0 and so on (prefix: key) that do not exist yet. They are not propagated.",
  ],
  run: (ctx) => (ctx.request.argc > 5 ? ctx.reply.error(wrongSubcommandSyntax(ctx.request)) : populate(ctx)),
};

const replyBuffer: Subcommand = {
  name: "replybuffer",
  arity: 4,
  help: ["REPLYBUFFER RESIZING <0|1>", "    Whether the buffer of replies gives memory back."],
  run(ctx) {
    const { reply, request, server } = ctx;
    if (!isWord(request, 2, "resizing")) return reply.error(wrongSubcommandSyntax(request));
    server.debugging.setReplyBufferResizing(isOn(ctx, 3));
    return reply.ok();
  },
};

const setActiveExpire = switching(
  "set-active-expire",
  "Whether keys expire though nobody asks for them.",
  (debugging, isActive) => debugging.setActiveExpiry(isActive),
);

const setDisableDenyScripts = switching(
  "set-disable-deny-scripts",
  "Whether scripts may call commands that are not for scripts, but for those that run scripts.",
  (debugging, isUnlimited) => debugging.setScriptsUnlimited(isUnlimited),
);

const setSkipChecksumValidation = switching(
  "set-skip-checksum-validation",
  "Whether checksums of dump files and of payloads of RESTORE are not looked at.",
  (debugging, isSkipped) => {
    debugging.ignoresChecksums = isSkipped;
  },
);

const quicklistPackedThreshold: Subcommand = {
  name: "quicklist-packed-threshold",
  arity: 3,
  help: [
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    From what size on an element of a list that has a chunk to itself is packed as a plain node, in dumps and",
    "    payloads; 0 is the default, 1gb.",
  ],
  run: ({ reply, request, server }) =>
    server.debugging.setPlainNodeBytes(request.text(2)) ? reply.ok() : reply.error(NOT_A_NODE_SIZE),
};

/** An argument that switches something, as C's atoi reads it. */
function isOn({ request }: CommandContext, argument = 2): boolean {
  return leadingInt32(request.buf, request.start[argument], request.len[argument]) !== 0;
}

const sleep: Subcommand = {
  name: "sleep",
  arity: 3,
  help: ["SLEEP <seconds>", "    Stops the server for so long."],
  run({ reply, request }) {
    const milliseconds = (parseDoubleLeniently(request.text(2)) || 0) * MILLISECONDS;
    if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return reply.ok();
  },
};

const SUBCOMMANDS: readonly Subcommand[] = [
  configRewriteForceAll,
  digest,
  digestValue,
  error,
  loadLog,
  log,
  object,
  pauseCron,
  population,
  protocol,
  quicklistPackedThreshold,
  reload,
  replyBuffer,
  setActiveExpire,
  setDisableDenyScripts,
  setSkipChecksumValidation,
  sleep,
];

const HELP = helpLines(
  "debug",
  SUBCOMMANDS.flatMap(({ help }) => help),
);

export const debug = defineCommand({
  name: "debug",
  group: "server",
  since: "1.0.0",
  summary: "For tests: looks into the server, and stops it",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale", "protected"],
  categories: [],
  keys: [],
  run(ctx) {
    const { reply, request } = ctx;
    if (request.argc === 2 && isWord(request, 1, "help")) {
      reply.array(HELP.length);
      for (const line of HELP) reply.simple(line);
      return DONE;
    }
    const found = SUBCOMMANDS.find(({ name }) => isWord(request, 1, name));
    const isRight =
      found !== undefined && (found.arity < 0 ? request.argc >= -found.arity : request.argc === found.arity);
    return isRight ? found.run(ctx) : reply.error(wrongSubcommandSyntax(request));
  },
});

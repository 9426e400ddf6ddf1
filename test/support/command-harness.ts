/**
 * Runs commands in the test's own process, without a server: a keyspace, a reply writer, a client, recorded effects
 * and a clock that the test moves. Gates that the server applies before a command (authentication, memory) are not
 * part of it; arity is.
 */

import { ManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import type { Client } from "../../src/commands/client.ts";
import type { CommandSpec } from "../../src/commands/command.ts";
import type {
  CommandContext,
  Continuation,
  Effects,
  KeyWait,
  PubSubControl,
  ScriptControl,
  TransactionControl,
} from "../../src/commands/context.ts";
import { documentation } from "../../src/commands/docs/all.ts";
import type { ReplicationAccess } from "../../src/commands/replication-access.ts";
import type {
  AofAccess,
  ConfigAccess,
  DebugAccess,
  KeyWalk,
  LatencyAccess,
  SaveAccess,
  ServerServices,
} from "../../src/commands/services.ts";
import { CommandTable } from "../../src/commands/table.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { unknownCommand, unknownSubcommand, wrongArity } from "../../src/protocol/errors.ts";
import { DONE, type Outcome, SUSPENDED } from "../../src/protocol/outcome.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { Request } from "../../src/protocol/request.ts";
import { Acl, type AclClient, type AclSettings } from "../../src/server/acl/acl.ts";
import { SimulatedDisk } from "./simulated-files.ts";
import { SPILLS, spillAll } from "./spill-mode.ts";

export type Argument = string | Uint8Array | number;

export interface HarnessOptions {
  readonly commands: readonly CommandSpec[];
  /** Parts of the server's services that the commands under test need; others throw when they are used. */
  readonly services?: Partial<ServerServices>;
  readonly config?: Partial<ConfigAccess>;
  /** Settings about users; the others have their defaults. */
  readonly acl?: Partial<AclSettings>;
  readonly databases?: number;
  readonly startMs?: number;
  readonly random?: Random;
}

/** Writable where the server's client is not, so that a test can arrange anything. */
export type HarnessClient = { -readonly [Field in keyof AclClient]: AclClient[Field] } & { closed: boolean };

export class CommandHarness {
  readonly clock: ManualClock;
  readonly keyspace: Keyspace;
  readonly client: HarnessClient;
  /** What was propagated so far, one list of arguments per command. */
  readonly effects: Buffer[][] = [];
  readonly server: ServerServices;
  /**
   * In the mode in which values leave memory after every command: why they stay in this harness. Only for tests of what
   * becomes of values that stay.
   */
  staysInMemoryBecause = "";
  /** In that mode: a test looks at which entries are dirty, and marks them clean itself. */
  looksAtDirt = false;
  private readonly commands = new Map<string, CommandSpec>();
  private readonly context: HarnessContext;

  constructor(options: HarnessOptions) {
    this.clock = new ManualClock(options.startMs ?? 1_700_000_000_000);
    this.keyspace = new Keyspace({
      databases: options.databases ?? 16,
      clock: this.clock,
      random: options.random ?? new SeededRandom(1),
      hashSeed: Buffer.from("0123456789abcdef"),
    });
    this.keyspace.onKeyRemoved = (_database, key) =>
      this.effects.push([Buffer.from("DEL"), Buffer.from(key)]);
    this.keyspace.onFieldsExpired = (_database, key, fields) =>
      this.effects.push([Buffer.from("HDEL"), key, ...fields]);
    this.client = newClient(1, this.clock.nowMs);
    for (const command of options.commands) this.commands.set(command.name, command);
    const access = this.createAcl(options);
    access.begin(this.client);
    this.server = { ...newServices(options, this.client, this.commands), access };
    this.context = new HarnessContext(this);
  }

  private createAcl({ acl, commands, random }: HarnessOptions): Acl {
    return new Acl({
      table: new CommandTable(commands),
      settings: {
        aclfile: "",
        "acllog-max-len": 128,
        "acl-pubsub-default": "resetchannels",
        requirepass: Buffer.alloc(0),
        ...acl,
      },
      resolve: (path) => path,
      files: new SimulatedDisk(),
      clock: this.clock,
      random: random ?? new SeededRandom(1),
      log: silentLog,
      clients: { [Symbol.iterator]: () => [this.client][Symbol.iterator]() },
      present: () => this.client,
    });
  }

  /** The client's database. */
  get db(): Database {
    return this.keyspace.databases[this.client.dbIndex];
  }

  /** Runs one command and returns the bytes of its reply. The command must not suspend. */
  run(...args: readonly Argument[]): Buffer {
    if (this.start(args) !== DONE) throw new Error(`${String(args[0])} suspended: use runAsync`);
    return this.takeReply();
  }

  /** As `run`, as text with one character per byte. */
  text(...args: readonly Argument[]): string {
    return this.run(...args).toString("latin1");
  }

  /** Runs one command to its end, waiting for what it waits for. */
  async runAsync(...args: readonly Argument[]): Promise<Buffer> {
    let outcome = this.start(args);
    while (outcome === SUSPENDED) outcome = await this.context.resume();
    return this.takeReply();
  }

  private takeReply(): Buffer {
    const reply = this.context.takeReply();
    // Where there is a tier, the test spills to it.
    const spills = SPILLS && !this.keyspace.hasTier && this.staysInMemoryBecause === "";
    if (spills) spillAll(this.keyspace, this.looksAtDirt);
    return reply;
  }

  /** Effects as text, one line per command; cleared afterwards. */
  takeEffects(): string[] {
    return this.effects.splice(0).map((args) => args.map((arg) => arg.toString("latin1")).join(" "));
  }

  private start(args: readonly Argument[]): Outcome {
    const parts = args.map((arg) => (typeof arg === "number" ? String(arg) : arg));
    const request = Request.of(...parts);
    this.keyspace.refreshClock();
    const { context } = this;
    context.begin(request);
    const name = request.text(0).toLowerCase();
    const container = this.commands.get(name);
    if (container === undefined) return context.reply.error(unknownCommand(request));
    let command = container;
    let fullName = name;
    if (container.subcommands !== undefined && request.argc > 1) {
      const subcommand = findSubcommand(container, request.text(1));
      if (subcommand === undefined) return context.reply.error(unknownSubcommand(request));
      command = subcommand;
      fullName = `${name}|${subcommand.name}`;
    }
    const isArityRight = command.arity > 0 ? request.argc === command.arity : request.argc >= -command.arity;
    if (!isArityRight || command.run === undefined) return context.reply.error(wrongArity(fullName));
    return command.run(context);
  }
}

function findSubcommand(container: CommandSpec, name: string): CommandSpec | undefined {
  return container.subcommands?.find((candidate) => candidate.name === name.toLowerCase());
}

class HarnessContext implements CommandContext {
  request = new Request();
  readonly reply = new ReplyWriter();
  readonly effects: Effects;
  private readonly harness: CommandHarness;
  private waiting: (() => Promise<Outcome>) | undefined;

  constructor(harness: CommandHarness) {
    this.harness = harness;
    this.effects = {
      verbatim: () => {
        const { request } = this;
        harness.effects.push(Array.from({ length: request.argc }, (_, i) => Buffer.from(request.bytes(i))));
      },
      noteOldKeys: () => undefined,
      toReplicas: () => undefined,
      command: (...args) => {
        harness.effects.push(args.map((arg) => Buffer.from(typeof arg === "number" ? String(arg) : arg)));
      },
      edited: (edits) => {
        const { request } = this;
        const args = Array.from({ length: request.argc }, (_, i) => {
          const edit = edits.find(i);
          return edit === -1 ? request.bytes(i) : edits.textOf(edit).subarray(0, edits.lengthOf(edit));
        });
        harness.effects.push(args.map((arg) => Buffer.from(arg)));
      },
      member: (name, key, buf, start, length) => {
        const args = [Buffer.from(name), this.request.bytes(key), buf.subarray(start, start + length)];
        harness.effects.push(args.map((arg) => Buffer.from(arg)));
      },
    };
  }

  get client(): Client {
    return this.harness.client;
  }

  get db(): Database {
    return this.harness.db;
  }

  get keyspace(): Keyspace {
    return this.harness.keyspace;
  }

  get server(): ServerServices {
    return this.harness.server;
  }

  /** There are none. */
  readonly transactions: TransactionControl = {
    begin: () => missing("transactions"),
    discard: () => {},
    execute: () => missing("transactions"),
    watch: () => missing("transactions"),
    unwatch: () => {},
  };

  readonly scripts: ScriptControl = {
    busyError: undefined,
    functions: {
      running: undefined,
      has: () => false,
      create: () => missing("functions"),
      remove: () => false,
      flush: () => {},
      list: () => [],
      dump: () => missing("functions"),
      restore: () => missing("functions"),
    },
    run: () => missing("scripts"),
    load: () => missing("scripts"),
    has: () => false,
    flush: () => {},
    setDebugging: () => missing("scripts"),
    isDebugging: false,
    debug: () => missing("scripts"),
    kill: () => missing("scripts"),
  };

  readonly calls = { noteLong: (): void => {} };

  /** Nobody is subscribed to anything. */
  readonly pubsub: PubSubControl = {
    subscribe: () => missing("pubsub"),
    unsubscribe: () => missing("pubsub"),
    unsubscribeAll: () => missing("pubsub"),
    forget: () => {},
    publish: () => 0,
    names: () => [],
    count: () => 0,
    subscribers: () => 0,
  };

  /** There is no cold tier. */
  fetchKeys(): undefined {}

  /** Nobody else could ever serve the one client: as in a transaction, the time is over at once. */
  waitForKeys(wait: KeyWait): Outcome {
    return wait.cannotWait?.(this) ?? wait.timeOut(this);
  }

  begin(request: Request): void {
    this.request = request;
    this.reply.resp = this.harness.client.resp;
    this.reply.reset();
  }

  suspend<T>(work: Promise<T>, finish: Continuation<T>): Outcome {
    this.waiting = async () => finish(this, await work);
    return SUSPENDED;
  }

  async resume(): Promise<Outcome> {
    const { waiting } = this;
    if (waiting === undefined) throw new Error("nothing to wait for");
    this.waiting = undefined;
    return waiting();
  }

  takeReply(): Buffer {
    return Buffer.from(this.reply.buf.subarray(0, this.reply.end));
  }
}

/** A client like one that has just connected. */
export function newClient(id: number, nowMs: number): HarnessClient {
  return {
    id,
    name: "",
    libraryName: "",
    libraryVersion: "",
    resp: 2,
    dbIndex: 0,
    user: undefined,
    authenticated: true,
    mustAuthenticate: false,
    isRestricted: false,
    subscriptions: undefined,
    address: "127.0.0.1:50000",
    localAddress: "127.0.0.1:6379",
    fileDescriptor: 8,
    createdMs: nowMs,
    lastActiveMs: nowMs,
    lastCommand: "",
    noEvict: false,
    noTouch: false,
    replyMode: "on",
    queryBufferBytes: 0,
    queryBufferFreeBytes: 0,
    outputBufferBytes: 0,
    outputListLength: 0,
    memoryBytes: 0,
    isBlocked: false,
    queuedCommands: -1,
    queuedBytes: 0,
    isExecuting: false,
    isInScript: false,
    isMonitor: false,
    isReplica: false,
    replicaTraits: undefined,
    isSubscribed: false,
    subscribedChannels: 0,
    subscribedPatterns: 0,
    subscribedShardChannels: 0,
    hasLostWatch: false,
    tracking: undefined,
    unblock: undefined,
    isClosing: false,
    lastWritePosition: 0,
    closed: false,
    closeAfterReply() {
      this.closed = true;
    },
    close() {
      this.closed = true;
    },
  };
}

/** Nothing took long, and nothing was called. */
const noLatency: LatencyAccess = {
  thresholdMs: 0,
  slowLogMicroseconds: -1,
  all: () => [],
  of: () => undefined,
  reset: () => 0,
  histograms: () => [],
  histogramsOf: () => [],
};

const noReplicas: ReplicationAccess = {
  offset: 0,
  count: 0,
  online: () => [],
  refusalOf: () => undefined,
  attach: () => missing("replication.attach"),
  acknowledge: () => missing("replication.acknowledge"),
  offsetOf: () => 0,
  countAcknowledged: () => 0,
  waitForReplicas: (_client, _wanted, timeoutMs) =>
    new Promise((resolve) => {
      if (timeoutMs > 0) setTimeout(resolve, timeoutMs).unref();
    }),
};

function newServices(
  options: HarnessOptions,
  client: Client,
  commands: ReadonlyMap<string, CommandSpec>,
): Omit<ServerServices, "access"> {
  return {
    version: "0.0.0",
    config: {
      get: () => missing("config.get"),
      set: () => missing("config.set"),
      rewrite: () => missing("config.rewrite"),
      isSensitive: () => false,
      maxmemoryPolicy: "noeviction",
      rdbcompression: true,
      protoMaxBulkLength: 512 * 1024 * 1024,
      hllSparseMaxBytes: 3000,
      ...options.config,
    },
    aof: disabledAof,
    saves: idleSaves,
    debugging: noDebugging,
    migrations: { migrate: () => missing("migrations.migrate") },
    pause: { begin: () => missing("pause.begin"), end: () => missing("pause.end") },
    slowLog: { length: 0, newest: () => [], reset() {} },
    latency: noLatency,
    memory: {
      figures: () => missing("memory.figures"),
      allocatorText: () => missing("memory.allocatorText"),
      purge() {},
    },
    tier: {
      isOn: false,
      info: () => [],
      explain: () => missing("tier.explain"),
      warm: () => missing("tier.warm"),
      demote: () => missing("tier.demote"),
      pin: () => missing("tier.pin"),
      unpin: () => missing("tier.unpin"),
    },
    monitors: { add: () => missing("monitors"), remove() {} },
    tracking: { enable: () => missing("tracking.enable"), disable: () => undefined },
    replication: noReplicas,
    clients: () => [client],
    client: (id) => (id === client.id ? client : undefined),
    info: () => missing("info"),
    resetStatistics: () => missing("resetStatistics"),
    commands: () => commands.values(),
    documentation: (fullName) => documentation[fullName],
    findCommand(name, subcommand) {
      const command = commands.get(name.toLowerCase());
      if (subcommand === undefined) return command;
      return command === undefined ? undefined : findSubcommand(command, subcommand);
    },
    shutdown: () => missing("shutdown"),
    abortShutdown: () => missing("abortShutdown"),
    walk: missingWalk,
    ...options.services,
  };
}

const disabledAof: AofAccess = {
  enabled: false,
  appendedPosition: 0,
  syncedPosition: 0,
  waitForSync: () => missing("aof.waitForSync"),
  rewrite: () => missing("aof.rewrite"),
};

const idleSaves: SaveAccess = {
  lastSaveSeconds: 0,
  save: () => missing("saves.save"),
  bgsave: () => missing("saves.bgsave"),
  flushed: () => undefined,
};

const noDebugging: DebugAccess = {
  digest: () => missing("debugging.digest"),
  digestOf: () => missing("debugging.digestOf"),
  packedBytes: () => missing("debugging.packedBytes"),
  reload: () => missing("debugging.reload"),
  reloadLog: () => missing("debugging.reload"),
  pauseCron: () => missing("debugging.pauseCron"),
  setActiveExpiry: () => missing("debugging.setActiveExpiry"),
  setReplyBufferResizing: () => missing("debugging.setReplyBufferResizing"),
  setPlainNodeBytes: () => missing("debugging.setPlainNodeBytes"),
  setScriptsUnlimited: () => missing("debugging.setScriptsUnlimited"),
  ignoresChecksums: false,
  log: () => missing("debugging.log"),
};

const missingWalk: KeyWalk = {
  scan: () => missing("walk.scan"),
  all: () => missing("walk.all"),
  random: () => missing("walk.random"),
};

function missing(name: string): never {
  throw new Error(`the test must provide ${name}`);
}

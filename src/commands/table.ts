/**
 * The table of commands: finds one by its name in a request without allocating, and holds what the dispatcher needs
 * of each, worked out once from its declaration.
 */
import type { LatencyHistogram } from "../base/latency-histogram.ts";
import type { Request } from "../protocol/request.ts";
import { ACL_CATEGORIES } from "./acl-categories.ts";
import type { CommandSpec, Handler, KeySpec } from "./command.ts";

/** A declared command made ready for dispatch. */
export class CompiledCommand {
  readonly spec: CommandSpec;
  /** "get", "client|list". */
  readonly fullName: string;
  readonly name: Buffer;
  readonly arity: number;
  readonly run: Handler | undefined;
  readonly isWrite: boolean;
  /** Whether it may have effects: all that write, and few that read (flag may_replicate). */
  readonly mayHaveEffects: boolean;
  /** It reads or writes keys: nothing for clients that only watch. */
  readonly isForKeys: boolean;
  readonly denyOom: boolean;
  readonly needsAuth: boolean;
  readonly allowedWhileLoading: boolean;
  readonly hasKeys: boolean;
  /** Whether it is queued between MULTI and EXEC, and whether it is refused there. */
  readonly isQueued: boolean;
  readonly noMulti: boolean;
  /** Whether scripts may call it, and whether it runs some itself. */
  readonly isForScripts: boolean;
  readonly runsScripts: boolean;
  /** Whether it is executed while a script runs for long. */
  readonly allowedWhileBusy: boolean;
  /** A directive says who may use it. */
  readonly isProtected: boolean;
  /** PING, which Redis refuses while dumps fail. */
  readonly isPing: boolean;
  /** With few and short arguments, and a short reply, it takes no noticeable time, whatever the keys hold. */
  readonly isQuick: boolean;
  readonly isFast: boolean;
  /** Not for the slow log. */
  readonly isUnlogged: boolean;
  /** MONITOR shows it before it runs (scripts, whose commands come behind it), or not at all. */
  readonly showsFirst: boolean;
  readonly isHidden: boolean;
  readonly subcommands: CommandNames | undefined;
  /** Statistics of INFO commandstats. `microseconds` are those of the calls that are accounted for. */
  calls = 0;
  accountedCalls = 0;
  microseconds = 0;
  /** Of the call that was accounted for last. */
  lastMicroseconds = 0;
  /** Present once a call was recorded. */
  histogram: LatencyHistogram | undefined;
  rejectedCalls = 0;
  failedCalls = 0;

  constructor(spec: CommandSpec, container?: CommandSpec) {
    check(spec);
    this.spec = spec;
    this.fullName = container === undefined ? spec.name : `${container.name}|${spec.name}`;
    this.name = Buffer.from(spec.name);
    this.arity = spec.arity;
    this.run = spec.run;
    this.isWrite = spec.flags.includes("write");
    this.mayHaveEffects = this.isWrite || spec.flags.includes("may_replicate");
    this.isForKeys = this.mayHaveEffects || spec.flags.includes("readonly");
    this.denyOom = spec.flags.includes("denyoom");
    this.needsAuth = !spec.flags.includes("no_auth");
    this.allowedWhileLoading = spec.flags.includes("loading");
    this.hasKeys = spec.keys.length > 0;
    this.isQueued = spec.isNeverQueued !== true;
    this.isForScripts = !spec.flags.includes("noscript");
    this.runsScripts = spec.runsScripts === true;
    this.allowedWhileBusy = spec.flags.includes("allow_busy");
    this.noMulti = spec.flags.includes("no_multi");
    this.isProtected = spec.flags.includes("protected");
    this.isPing = spec.name === "ping";
    this.isQuick = isQuick(spec);
    this.isFast = spec.flags.includes("fast");
    this.isUnlogged = spec.flags.includes("skip_slowlog");
    this.showsFirst = spec.flags.includes("skip_monitor");
    this.isHidden = this.showsFirst || spec.flags.includes("admin");
    this.subcommands =
      spec.subcommands === undefined
        ? undefined
        : new CommandNames(spec.subcommands.map((sub) => new CompiledCommand(sub, spec)));
  }

  /** Whether a request with `argc` arguments, the name(s) included, has the right number of them. */
  accepts(argc: number): boolean {
    return this.arity >= 0 ? argc === this.arity : argc >= -this.arity;
  }
}

function isQuick({ complexity, flags, keys, mayTakeLong, subcommands }: CommandSpec): boolean {
  if (flags.includes("blocking") || subcommands !== undefined || mayTakeLong === true) return false;
  return flags.includes("fast") || (complexity === "O(1)" && keys.length > 0);
}

/** What a declaration must not contradict. Throws on a mistake in our own code. */
function check(spec: CommandSpec): void {
  const fail = (reason: string) => {
    throw new Error(`command '${spec.name}': ${reason}`);
  };
  if (spec.run === undefined && spec.subcommands === undefined) fail("needs run or subcommands");
  if (spec.arity === 0) fail("has no arity");
  if (spec.flags.includes("write") && spec.flags.includes("readonly"))
    fail("cannot both write and only read");
  const onlyReads = spec.flags.includes("readonly") && !spec.flags.includes("may_replicate");
  if (onlyReads && spec.keys.some((key) => !key.flags.includes("RO"))) {
    fail("is readonly, but has keys that are not");
  }
  if (spec.categories.some((category) => !ACL_CATEGORIES.some((known) => known === category))) {
    fail("is in an unknown ACL category");
  }
  if (spec.name !== spec.name.toLowerCase()) fail("has a name that is not in lower case");
  if (spec.keys.some((key) => !isPossible(key))) fail("has keys in impossible places");
  if (spec.keys.some((key) => key.kind === "unknown") !== (spec.keysOf !== undefined)) {
    fail("needs keysOf exactly if it has keys of kind unknown");
  }
}

function isPossible(key: KeySpec): boolean {
  if (key.kind !== "range") return true;
  return key.first >= 1 && key.step >= 1 && (key.last < 0 || key.last >= key.first);
}

/** Commands by name, in any case. */
export class CommandNames {
  readonly all: readonly CompiledCommand[];
  private readonly slots: (CompiledCommand | undefined)[];
  private readonly mask: number;

  constructor(commands: readonly CompiledCommand[]) {
    this.all = commands;
    let capacity = 8;
    while (capacity < commands.length * 4) capacity *= 2;
    this.mask = capacity - 1;
    this.slots = Array.from({ length: capacity }, () => undefined);
    for (const command of commands) {
      const { name } = command;
      if (this.find(name, 0, name.length) !== undefined)
        throw new Error(`command '${command.fullName}' stands twice`);
      let slot = hashName(name, 0, name.length) & this.mask;
      while (this.slots[slot] !== undefined) slot = (slot + 1) & this.mask;
      this.slots[slot] = command;
    }
  }

  find(buf: Buffer, start: number, length: number): CompiledCommand | undefined {
    let slot = hashName(buf, start, length) & this.mask;
    for (;;) {
      const command = this.slots[slot];
      if (command === undefined) return undefined;
      if (sameName(command.name, buf, start, length)) return command;
      slot = (slot + 1) & this.mask;
    }
  }
}

export class CommandTable {
  private readonly names: CommandNames;

  constructor(specs: readonly CommandSpec[]) {
    this.names = new CommandNames(specs.map((spec) => new CompiledCommand(spec)));
  }

  get all(): readonly CompiledCommand[] {
    return this.names.all;
  }

  /** The command that the request names; of a container, the container itself. */
  find(request: Request): CompiledCommand | undefined {
    return this.names.find(request.buf, request.start[0], request.len[0]);
  }

  /** As `find`; of a container with a further argument, the subcommand that it names, if any. */
  findExact(request: Request): CompiledCommand | undefined {
    const command = this.find(request);
    if (command?.subcommands === undefined || request.argc === 1) return command;
    return command.subcommands.find(request.buf, request.start[1], request.len[1]);
  }

  findByName(name: string, subcommand?: string): CompiledCommand | undefined {
    const bytes = Buffer.from(name, "latin1");
    const command = this.names.find(bytes, 0, bytes.length);
    if (subcommand === undefined) return command;
    const subBytes = Buffer.from(subcommand, "latin1");
    return command?.subcommands?.find(subBytes, 0, subBytes.length);
  }
}

/** Any spread will do: a hundred names, chosen by us. Case is folded by setting bit 5. */
function hashName(buf: Buffer, start: number, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + (buf[start + i] | 0x20)) | 0;
  return hash ^ (hash >>> 7);
}

/** `name` is in lower case. */
function sameName(name: Buffer, buf: Buffer, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    let byte = buf[start + i];
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (name[i] !== byte) return false;
  }
  return true;
}

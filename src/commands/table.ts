/**
 * The table of commands: finds one by its name in a request without allocating, and holds what the dispatcher needs
 * of each, worked out once from its declaration.
 *
 * A command may have been renamed (rename-command): clients find it by its new name only, or not at all. Rules about
 * commands and the append-only file use the original names, so that both outlive another configuration.
 */
import type { LatencyHistogram } from "../base/latency-histogram.ts";
import type { Request } from "../protocol/request.ts";
import { ACL_CATEGORIES } from "./acl-categories.ts";
import type { CommandSpec, Handler, KeySpec } from "./command.ts";
import { CommandNames } from "./command-names.ts";
import { hasKeys } from "./key-positions.ts";
import { keyRightsOf } from "./key-rights.ts";

/** A declared command made ready for dispatch. */
export class CompiledCommand {
  readonly spec: CommandSpec;
  /** "get", "client|list". */
  readonly fullName: string;
  readonly name: Buffer;
  readonly isSubcommand: boolean;
  /** Numbers all commands and subcommands of a table, from 0 on. */
  id = -1;
  /** The name that goes to the append-only file in place of the one that the client used; undefined if they are the
   * same. */
  originalName: string | undefined;
  readonly arity: number;
  readonly run: Handler | undefined;
  readonly isWrite: boolean;
  /** Whether it may have effects: all that write, and few that read (flag may_replicate). */
  readonly mayHaveEffects: boolean;
  /** It reads or writes keys: nothing for clients that only watch. */
  readonly isForKeys: boolean;
  /** Whether a client that tracks keys (CLIENT TRACKING) has read those of this command. */
  readonly isTracked: boolean;
  readonly denyOom: boolean;
  readonly needsAuth: boolean;
  readonly allowedWhileLoading: boolean;
  readonly hasKeys: boolean;
  /** Its keys must be in memory when it runs. */
  readonly needsKeysHot: boolean;
  /** Bits of what it does to the keys of each specification: KEY_READ, KEY_WRITE. */
  readonly keyRights: readonly number[];
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
  /** CLIENT UNBLOCK ends its waiting. */
  readonly canBeUnblocked: boolean;
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
  /** Whether subscribers in RESP2 may use it. */
  readonly isForSubscribers: boolean;
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
    this.isSubcommand = container !== undefined;
    this.arity = spec.arity;
    this.run = spec.run;
    this.isWrite = spec.flags.includes("write");
    this.mayHaveEffects = this.isWrite || spec.flags.includes("may_replicate");
    this.isForKeys = this.mayHaveEffects || spec.flags.includes("readonly");
    // Of a script it depends on the commands that it calls.
    this.isTracked = spec.flags.includes("readonly") && spec.group !== "scripting";
    this.denyOom = spec.flags.includes("denyoom");
    this.needsAuth = !spec.flags.includes("no_auth");
    this.allowedWhileLoading = spec.flags.includes("loading");
    this.hasKeys = hasKeys(spec);
    this.needsKeysHot = this.hasKeys && spec.leavesKeysCold !== true;
    this.keyRights = spec.keys.map((key) => keyRightsOf(key.flags));
    this.isQueued = spec.isNeverQueued !== true;
    this.isForScripts = !spec.flags.includes("noscript");
    this.runsScripts = spec.runsScripts === true;
    this.allowedWhileBusy = spec.flags.includes("allow_busy");
    this.noMulti = spec.flags.includes("no_multi");
    this.isProtected = spec.flags.includes("protected");
    this.canBeUnblocked = spec.canBeUnblocked === true || spec.flags.includes("blocking");
    this.isPing = spec.name === "ping";
    this.isQuick = isQuick(spec);
    this.isFast = spec.flags.includes("fast");
    this.isUnlogged = spec.flags.includes("skip_slowlog");
    this.showsFirst = spec.flags.includes("skip_monitor");
    this.isHidden = this.showsFirst || spec.flags.includes("admin");
    this.isForSubscribers = spec.isForSubscribers === true;
    this.subcommands =
      spec.subcommands === undefined
        ? undefined
        : CommandNames.of(spec.subcommands.map((sub) => new CompiledCommand(sub, spec)));
  }

  /** Whether a request with `argc` arguments, the name(s) included, has the right number of them. */
  accepts(argc: number): boolean {
    return this.arity >= 0 ? argc === this.arity : argc >= -this.arity;
  }
}

function isQuick({ complexity, flags, keys, subcommands }: CommandSpec): boolean {
  if (flags.includes("blocking") || subcommands !== undefined) return false;
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
  const findsThemItself = spec.keys.some((key) => key.kind === "unknown" || key.flags.includes("incomplete"));
  if (findsThemItself !== (spec.keysOf !== undefined)) {
    fail("needs keysOf exactly if it has keys that are unknown or incomplete");
  }
}

function isPossible(key: KeySpec): boolean {
  if (key.kind !== "range") return true;
  return key.first >= 1 && key.step >= 1 && (key.last < 0 || key.last >= key.first);
}

/** A line `rename-command` of the configuration; an empty new name takes the command away. */
export interface Renaming {
  readonly from: string;
  readonly to: string;
}

export class CommandTable {
  private readonly original: CommandNames;
  /** By the names that clients use. */
  private readonly names: CommandNames;
  /** By the names that append-only files may have: original ones, and new ones where they are not those of others. */
  private readonly logged: CommandNames;

  constructor(specs: readonly CommandSpec[], renamings: readonly Renaming[] = []) {
    this.original = CommandNames.of(specs.map((spec) => new CompiledCommand(spec)));
    let count = 0;
    for (const command of this.originals) {
      command.id = count++;
      for (const subcommand of command.subcommands?.all ?? []) subcommand.id = count++;
    }
    this.names = this.original;
    this.logged = this.original;
    if (renamings.length === 0) return;
    const renamed = this.rename(renamings);
    this.names = CommandNames.byText(renamed);
    this.logged = CommandNames.byText(new Map([...renamed, ...this.originalNames()]));
  }

  /** All commands that clients can find. */
  get all(): readonly CompiledCommand[] {
    return this.names.all;
  }

  /** All commands, also those that were taken away. */
  get originals(): readonly CompiledCommand[] {
    return this.original.all;
  }

  /** The command that the request names; of a container, the container itself. */
  find(request: Request): CompiledCommand | undefined {
    return this.names.find(request.buf, request.start[0], request.len[0]);
  }

  /** As `find`; of a container with a further argument, the subcommand that it names, if any. */
  findExact(request: Request): CompiledCommand | undefined {
    return this.findExactAt(request, 0);
  }

  /** As `findExact`, of a request in an append-only file. */
  findLogged({ argc, buf, start, len }: Request): CompiledCommand | undefined {
    const command = this.logged.find(buf, start[0], len[0]);
    if (command?.subcommands === undefined || argc === 1) return command;
    return command.subcommands.find(buf, start[1], len[1]);
  }

  /** As `findExact`, of a command that begins with argument `nameAt` of the request. */
  findExactAt(request: Request, nameAt: number): CompiledCommand | undefined {
    const { argc, buf, start, len } = request;
    const command = this.names.find(buf, start[nameAt], len[nameAt]);
    if (command?.subcommands === undefined || argc === nameAt + 1) return command;
    return command.subcommands.find(buf, start[nameAt + 1], len[nameAt + 1]);
  }

  findByName(name: string, subcommand?: string): CompiledCommand | undefined {
    const command = this.names.findText(name);
    return subcommand === undefined ? command : command?.subcommands?.findText(subcommand);
  }

  /** As `findByName`, by the original names. */
  findOriginal(name: string, subcommand?: string): CompiledCommand | undefined {
    const command = this.original.findText(name);
    return subcommand === undefined ? command : command?.subcommands?.findText(subcommand);
  }

  private originalNames(): Map<string, CompiledCommand> {
    return new Map(this.originals.map((command) => [command.spec.name, command]));
  }

  private rename(renamings: readonly Renaming[]): Map<string, CompiledCommand> {
    const named = this.originalNames();
    for (const { from, to } of renamings) {
      const command = named.get(inLowerCase(from));
      if (command === undefined) throw new RenamingError("No such command in rename-command");
      named.delete(inLowerCase(from));
      if (to === "") continue;
      if (named.has(inLowerCase(to))) throw new RenamingError("Target command name already exists");
      named.set(inLowerCase(to), command);
    }
    for (const [name, command] of named) {
      const { spec } = command;
      const originalName = name === spec.name ? undefined : spec.name;
      command.originalName = originalName;
      for (const subcommand of command.subcommands?.all ?? []) subcommand.originalName = originalName;
    }
    return named;
  }
}

/** A `rename-command` that is not possible; the message is Redis's. */
export class RenamingError extends Error {
  override name = "RenamingError";
}

/** As commands are found: only those of ASCII have cases. */
function inLowerCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

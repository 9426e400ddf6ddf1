/**
 * Runs a script or function among the commands of clients: as EXEC does, in one piece, its effects one group of the
 * append-only file, its declared keys fetched before, any other cold key read on the spot.
 *
 * One that runs for longer than `busy-reply-threshold` is suspended now and then, so that the server can answer others
 * that it is busy, and can be told to end it. Meanwhile nothing else touches the data: whoever might asks `isBusy`.
 * Time stands still for the script. Within EXEC the whole EXEC is suspended with it. While a log is replayed it is not
 * suspended.
 */
import type { Clock } from "../base/clock.ts";
import { webAssembly } from "../base/web-assembly.ts";
import type { FunctionControl } from "../commands/context.ts";
import type { CommandTable, CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import type { TierWalk } from "../keyspace/tier-walk.ts";
import { DONE, type Outcome, SUSPENDED } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import {
  BUSY_FUNCTION,
  BUSY_SCRIPT,
  CHANNEL_DENIED_IN_SCRIPT,
  COMMAND_DENIED_IN_SCRIPT,
  KEY_DENIED_IN_SCRIPT,
  NO_SCRIPT_RUNNING,
  NOT_ALLOWED_IN_SCRIPT,
  REPLY_TOO_LARGE_IN_SCRIPT,
  SCRIPT_HAS_WRITTEN,
  SCRIPT_MEMORY_EXHAUSTED,
  UNKNOWN_COMMAND_IN_SCRIPT,
  WRITE_IN_READ_ONLY_SCRIPT,
  WRONG_ARITY_IN_SCRIPT,
} from "../protocol/script-errors.ts";
import type { RunState } from "../scripting/engine.ts";
import { MUST_WAIT, type ScriptHost } from "../scripting/host.ts";
import { LuaFatalError } from "../scripting/lua-module.ts";
import type { Acl } from "./acl/acl.ts";
import { ALLOWED, DENIED_COMMAND, DENIED_KEY } from "./acl/permission-check.ts";
import type { Connection } from "./connection.ts";
import type { Outbox } from "./outbox.ts";
import type { Run } from "./script-run.ts";
import { ScriptWalks } from "./script-walks.ts";
import type { GroupedEffects, Transactions } from "./transactions.ts";
import type { WriteGates } from "./write-gates.ts";

/** A busy script lets others have their turn after so long. */
const SLICE_MS = 10;
/** Limits of a VM's memory; half of maxmemory, if that lies between. */
const LEAST_VM_BYTES = 64 * 1024 * 1024;
const MOST_VM_BYTES = 512 * 1024 * 1024;
/** A library that takes longer to load is refused. */
const LOADING_LIMIT_MS = 500;

/** The dispatcher, as far as scripts need it. */
export interface ScriptDispatcher {
  readonly client: Connection;
  request: Request;
  db: Database;
  readonly reply: ReplyWriter;
  readonly effects: GroupedEffects;
  readonly keyspace: Keyspace;
  readonly gates: WriteGates;
  readonly outbox: Outbox;
  readonly transactions: Pick<Transactions, "drop" | "position" | "resume">;
  /** Whose commands are just executed. */
  current: Connection | undefined;
  /** The command whose handler runs. */
  readonly command: CompiledCommand | undefined;
  /** Executes a command as the present client, without further gates. */
  executeQueued(command: CompiledCommand, request: Request): Outcome;
  /** Bookkeeping after what may have changed something. */
  afterEffects(connection: Connection, isWrite: boolean): void;
  /** Runs a later part of a command, as its client. */
  answer(connection: Connection, command: CompiledCommand, request: Request, action: () => Outcome): Outcome;
}

export interface ScriptRunnerParts {
  readonly table: CommandTable;
  readonly acl: Acl;
  readonly clock: Clock;
  readonly aof: { readonly appended: number };
  /** Milliseconds; 0 is never. */
  readonly busyThresholdMs: () => number;
  readonly log: (level: number, text: string) => void;
  /** maxmemory; 0 is none. */
  readonly maxmemoryBytes: () => number;
  readonly walk: TierWalk;
  /** Absent when the cold tier is off. */
  readonly spiller: Spiller | undefined;
  /** Has what was left undone while a script was busy, done. */
  readonly scheduleTurnEnd: () => void;
}

export class ScriptRunner implements ScriptHost {
  /** For tests: scripts may call what is not for scripts, but for other scripts. */
  allowsAll = false;
  private readonly dispatcher: ScriptDispatcher;
  private readonly parts: ScriptRunnerParts;
  private present: Run | undefined;
  private readonly walks: ScriptWalks;
  private loadingBegunMs = 0;
  /** What wants to be done when no script is suspended. */
  private readonly waiting: (() => void)[] = [];

  constructor(dispatcher: ScriptDispatcher, parts: ScriptRunnerParts) {
    this.dispatcher = dispatcher;
    this.parts = parts;
    this.walks = new ScriptWalks(parts.walk, parts.spiller);
  }

  get reply(): ReplyWriter {
    return this.dispatcher.reply;
  }

  /** The most memory that a VM may take: of two there may be. */
  get vmLimitBytes(): number {
    const share = this.parts.maxmemoryBytes() / 2;
    return share === 0 ? MOST_VM_BYTES : Math.min(MOST_VM_BYTES, Math.max(LEAST_VM_BYTES, share));
  }

  /** A script is suspended. */
  get isBusy(): boolean {
    return this.present?.isBusy === true;
  }

  /** Whether others are told that a script runs. Else they wait: it has just begun, and waits for the disk. */
  get tellsBusy(): boolean {
    const run = this.present;
    if (run?.isBusy !== true) return false;
    return run.isSlow || run.debugged !== undefined || this.isPastThreshold(run);
  }

  private isPastThreshold(run: Run): boolean {
    const thresholdMs = this.parts.busyThresholdMs();
    return thresholdMs > 0 && this.parts.clock.monotonicMs() - run.begunMs >= thresholdMs;
  }

  /** Whether a command has to wait for the end of the script that is suspended. While somebody debugs one, clients can
   * be looked at, and closed. */
  refuses(command: CompiledCommand): boolean {
    if (!this.isBusy || command.allowedWhileBusy) return false;
    return this.present!.debugged === undefined || command.spec.group !== "connection";
  }

  /** What others are told meanwhile. */
  get busyError(): string | undefined {
    if (this.present?.isBusy !== true) return undefined;
    return this.present.kind === "script" ? BUSY_SCRIPT : BUSY_FUNCTION;
  }

  /** What runs, for FUNCTION STATS: the words of its command, and how long it has run. */
  get running(): FunctionControl["running"] {
    const { present } = this;
    if (present === undefined) return undefined;
    const durationMs = Math.floor(this.parts.clock.monotonicMs() - present.begunMs);
    const { kind, name } = present;
    return { kind, name, words: present.words, durationMs };
  }

  /** The command that called the script which runs, and its request. */
  get caller(): { readonly command: CompiledCommand; readonly request: Request } | undefined {
    return this.present;
  }

  /** Runs a script whose permissions are known, and answers what it returns. */
  execute(run: Run): Outcome {
    const { dispatcher, parts } = this;
    const { client, command, effects, request, transactions } = dispatcher;
    const position = client.isExecuting ? transactions.position : parts.aof.appended;
    run.begin(client, command!, request, parts.clock, position);
    // Within EXEC the group is open.
    if (run.hasGroup) effects.beginGroup();
    this.present = run;
    return this.go(run, true);
  }

  /** Ends the running script, if it has written nothing; answers. */
  kill(kind: Run["kind"]): Outcome {
    const { present } = this;
    const { reply } = this.dispatcher;
    if (present === undefined) return reply.error(NO_SCRIPT_RUNNING);
    if (present.debugged !== undefined && present.kind === kind) {
      present.debugged.kill();
      return reply.ok();
    }
    if (present.hasWritten) return reply.error(SCRIPT_HAS_WRITTEN);
    if (present.kind !== kind) return reply.error(this.busyError!);
    present.isKilled = true;
    return reply.ok();
  }

  /** Calls `action` once, in a turn after the script that is suspended has come to its end. */
  whenFree(action: () => void): void {
    this.waiting.push(action);
  }

  /** The server ends without saving: what the suspended script has done does not go to the log. */
  drop(): void {
    if (this.present === undefined) return;
    const { effects, outbox, transactions } = this.dispatcher;
    this.present = undefined;
    this.walks.end();
    outbox.heldPosition = undefined;
    effects.dropGroup();
    transactions.drop();
  }

  call(request: Request): string | undefined {
    const { dispatcher } = this;
    const run = this.present!;
    const command = this.parts.table.findExact(request);
    if (command === undefined) return this.refuse(undefined, UNKNOWN_COMMAND_IN_SCRIPT);
    if (!command.accepts(request.argc) || command.run === undefined) {
      return this.refuse(command, WRONG_ARITY_IN_SCRIPT);
    }
    if (!command.isForScripts && !(this.allowsAll && !command.runsScripts)) {
      return this.refuse(command, NOT_ALLOWED_IN_SCRIPT);
    }
    if (run.client.isRestricted) {
      const denial = this.denialOf(run, command, request);
      if (denial !== undefined) return this.refuse(command, denial);
    }
    if (command.mayHaveEffects && run.isReadOnly) return this.refuse(command, WRITE_IN_READ_ONLY_SCRIPT);
    if (!run.hasWritten) {
      if (command.isWrite && run.writeRefusal !== undefined) return this.refuse(command, run.writeRefusal);
      if (command.denyOom && run.memoryRefusal !== undefined) return this.refuse(command, run.memoryRefusal);
    }
    if (run.debugged !== undefined) {
      const refusal = run.debugged.prepare(command, request);
      if (refusal !== undefined) return this.refuse(command, refusal);
    }
    if (run.canSuspend && run.debugged === undefined) {
      const database = dispatcher.keyspace.databases[run.client.dbIndex];
      if (this.walks.mustWait(command, request, database)) return MUST_WAIT;
    }
    if (command.isWrite) run.hasWritten = true;
    const { reply } = dispatcher;
    const { end, hasOverflowed } = reply;
    reply.hasOverflowed = false;
    reply.resp = run.resp;
    dispatcher.executeQueued(command, request);
    const isTooLarge = reply.hasOverflowed;
    if (isTooLarge) reply.end = end;
    else reply.hasOverflowed = hasOverflowed;
    return isTooLarge ? REPLY_TOO_LARGE_IN_SCRIPT : undefined;
  }

  setResp(version: 2 | 3): void {
    this.present!.resp = version;
  }

  setPropagation(toLog: boolean, toReplicas: boolean): void {
    const run = this.present!;
    run.isLogMuted = !toLog;
    run.isStreamMuted = !toReplicas;
    this.dispatcher.effects.setMuted(!toLog, !toReplicas);
  }

  mayCall(request: Request): boolean | undefined {
    const command = this.parts.table.findExact(request);
    return command === undefined
      ? undefined
      : this.parts.acl.mayExecute(this.present!.client, command, request);
  }

  log(level: number, text: string): void {
    this.parts.log(level, text);
  }

  /** A library begins to load. */
  beginLoading(): void {
    this.loadingBegunMs = this.parts.clock.monotonicMs();
  }

  mustEndLoading(): boolean {
    if (this.dispatcher.client?.isReplay !== false) return false;
    return this.parts.clock.monotonicMs() - this.loadingBegunMs > LOADING_LIMIT_MS;
  }

  mustSuspend(): boolean {
    const run = this.present;
    if (run === undefined || !run.canSuspend) return false;
    if (run.isSlow) return this.parts.clock.monotonicMs() - run.sliceBegunMs >= SLICE_MS;
    return this.isPastThreshold(run);
  }

  private denialOf({ client }: Run, command: CompiledCommand, request: Request): string | undefined {
    const result = this.parts.acl.judge(client, command, request, "lua");
    if (result === ALLOWED) return undefined;
    if (result === DENIED_COMMAND) return COMMAND_DENIED_IN_SCRIPT;
    return result === DENIED_KEY ? KEY_DENIED_IN_SCRIPT : CHANNEL_DENIED_IN_SCRIPT;
  }

  private refuse(command: CompiledCommand | undefined, text: string): string {
    if (command !== undefined) command.rejectedCalls++;
    this.dispatcher.reply.onError?.(text);
    return text;
  }

  /** What the client executes from now on are commands of the script; until `leave`. */
  enter(run: Run): void {
    const { dispatcher } = this;
    const { client, effects } = dispatcher;
    this.present = run;
    run.outerRequest = dispatcher.request;
    run.outerDb = dispatcher.db;
    run.outerDbIndex = client.dbIndex;
    run.outerReplyMode = client.replyMode;
    run.outerIsExecuting = client.isExecuting;
    client.isExecuting = true;
    client.isInScript = true;
    client.replyMode = "on";
    client.dbIndex = run.dbIndex;
    this.walks.enter();
    effects.setMuted(run.isLogMuted, run.isStreamMuted);
  }

  leave(run: Run): void {
    const { dispatcher } = this;
    const { client, effects, reply } = dispatcher;
    run.dbIndex = client.dbIndex;
    this.walks.leave();
    effects.setMuted(false, false);
    client.isExecuting = run.outerIsExecuting;
    client.isInScript = false;
    client.replyMode = run.outerReplyMode;
    client.dbIndex = run.outerDbIndex;
    reply.resp = client.resp;
    dispatcher.request = run.outerRequest;
    dispatcher.db = run.outerDb;
    if (run.debugged?.isPrivate === true) this.present = undefined;
  }

  /** Has the script go on, as its client. */
  private go(run: Run, isFirst: boolean): Outcome {
    const { client, reply } = this.dispatcher;
    const { engine, name } = run;
    const place = reply.end;
    let state: RunState = "ended";
    this.enter(run);
    try {
      state = isFirst ? run.start() : engine.resume();
      reply.resp = client.resp;
      if (state === "ended") engine.finish(name, run.resp);
    } catch (error) {
      state = "ended";
      reply.end = place;
      this.engineFailed(run, error);
    } finally {
      this.leave(run);
      if (state === "ended") this.end(run);
    }
    if (state === "ended") return DONE;
    this.suspend(run);
    return SUSPENDED;
  }

  /** The script is over, and has been answered. */
  end(run: Run): void {
    const { dispatcher } = this;
    if (this.present === run) {
      this.present = undefined;
      this.walks.end();
    }
    for (const action of this.waiting.splice(0)) setImmediate(action);
    if (run.hasGroup) dispatcher.effects.endGroup();
    if (run.hasWritten) dispatcher.afterEffects(run.client, true);
    if (run.isBusy) {
      dispatcher.outbox.heldPosition = undefined;
      this.parts.scheduleTurnEnd();
    }
  }

  /** From now on others are told that a script runs, or wait. */
  makeBusy(run: Run): void {
    const { request } = run;
    run.isBusy = true;
    run.words = Array.from({ length: request.argc }, (_, i) => Buffer.from(request.bytes(i)));
    this.dispatcher.outbox.heldPosition = run.position;
  }

  private suspend(run: Run): void {
    if (!run.isBusy) {
      this.makeBusy(run);
      run.client.park();
    }
    const { serial } = run;
    const goOn = () => {
      if (this.present === run && run.serial === serial) this.goOn(run);
    };
    if (this.walks.isWaiting) {
      void this.walks.read().then(goOn);
      return;
    }
    if (!run.isSlow) {
      run.isSlow = true;
      const { kind, name } = run;
      const command = kind === "script" ? "SCRIPT KILL" : "FUNCTION KILL";
      const milliseconds = Math.floor(this.parts.clock.monotonicMs() - run.begunMs);
      this.log(
        3,
        `Slow script detected: still in execution after ${milliseconds} milliseconds. You can try killing the script using` +
          ` the ${command} command. Script name is: ${name}.`,
      );
    }
    setImmediate(goOn);
  }

  private goOn(run: Run): void {
    const { clock } = this.parts;
    const { dispatcher } = this;
    const { client, command, request } = run;
    const presentMs = clock.nowMs;
    run.sliceBegunMs = clock.monotonicMs();
    clock.nowMs = run.nowMs;
    dispatcher.current = client;
    const rest = () => (run.isKilled ? this.endKilled(run) : this.go(run, false));
    const outcome = run.hasGroup
      ? dispatcher.answer(client, command, request, rest)
      : dispatcher.transactions.resume(rest);
    dispatcher.current = undefined;
    clock.nowMs = presentMs;
    if (outcome === DONE) client.goOn();
  }

  private endKilled(run: Run): Outcome {
    this.log(3, "Lua script killed by user with SCRIPT KILL.");
    run.engine.kill(run.name);
    this.end(run);
    return DONE;
  }

  /** Answers that the VM cannot go on; throws what is no failure of the VM's. */
  engineFailed(run: Run, error: unknown): void {
    run.onEngineLost();
    this.reply.resp = run.client.resp;
    if (!isVmFailure(error)) throw error;
    this.reply.error(SCRIPT_MEMORY_EXHAUSTED);
  }
}

/** Whether the VM ran out of memory or stack, and has to be replaced. */
export function isVmFailure(error: unknown): boolean {
  return (
    error instanceof LuaFatalError || error instanceof RangeError || error instanceof webAssembly.RuntimeError
  );
}

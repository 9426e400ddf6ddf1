/**
 * A script or function that runs: what it may, and how far it is. One object for all scripts, and one for all
 * functions, since only one can run at a time: nothing is allocated for a run.
 */
import type { Clock } from "../base/clock.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import { appendOnlyFileFailed, OUT_OF_MEMORY } from "../protocol/errors.ts";
import { NO_GOOD_REPLICAS } from "../protocol/replication-errors.ts";
import type { Request } from "../protocol/request.ts";
import { READ_ONLY_CANNOT_RUN_WRITER, scriptDiskError } from "../protocol/script-errors.ts";
import type { Engine, RunState, ScriptArguments } from "../scripting/engine.ts";
import type { ScriptFlag } from "../scripting/shebang.ts";
import type { Connection } from "./connection.ts";
import type { WriteGates } from "./write-gates.ts";

/** A run whose script is debugged. */
export interface DebuggedRun {
  /** Whether nobody else sees what it changes. */
  readonly isPrivate: boolean;
  /** A command is about to be executed; the error, if that cannot be private. */
  prepare(command: CompiledCommand, request: Request): string | undefined;
  /** Ends it, soon. */
  kill(): void;
}

const NO_WORDS: readonly Buffer[] = [];

export class Run implements ScriptArguments {
  readonly kind: "script" | "function";
  /** The VM cannot go on. */
  readonly onEngineLost: () => void;
  /** What errors call it. */
  name = "";
  engine!: Engine;
  /** Of the compiled code. */
  reference = 0;
  request!: Request;
  firstKey = 0;
  keys = 0;
  isReadOnly = false;
  /** Why commands that need memory, or write, are refused; until the script has written. */
  memoryRefusal: string | undefined;
  writeRefusal: string | undefined;

  client!: Connection;
  command!: CompiledCommand;
  /** Tells this run from others. */
  serial = 0;
  /** Whether the group of effects is its own; within EXEC it is not. */
  hasGroup = false;
  canSuspend = false;
  /** The time that the script sees. */
  nowMs = 0;
  begunMs = 0;
  /** Position of the append-only file before it, and before the EXEC that it is a part of. */
  position = 0;
  /** The database that the script has selected. */
  dbIndex = 0;
  resp: 2 | 3 = 2;
  /** redis.set_repl: what it does goes neither to the log nor to replicas. */
  isLogMuted = false;
  isStreamMuted = false;
  hasWritten = false;
  isBusy = false;
  /** It has run for so long that others are told. */
  isSlow = false;
  /** Of a busy one: copies of the words of its command. */
  words = NO_WORDS;
  isKilled = false;
  sliceBegunMs = 0;
  /** Present if it is debugged. */
  debugged: DebuggedRun | undefined;
  /** Of the dispatcher and the client, while commands of the script are executed: what they return to. */
  outerRequest!: Request;
  outerDb!: Database;
  outerDbIndex = 0;
  outerReplyMode: Connection["replyMode"] = "on";
  outerIsExecuting = false;

  constructor(kind: Run["kind"], onEngineLost: () => void) {
    this.kind = kind;
    this.onEngineLost = onEngineLost;
  }

  /**
   * Finds out what a script may do now; the error it gets if it may not even begin.
   * @param flags undefined of a script that says nothing of itself: what it may not do, it finds out when it does it
   */
  permit(
    client: Connection,
    gates: WriteGates,
    flags: ReadonlySet<ScriptFlag> | undefined,
    isReadOnlyCall: boolean,
  ): string | undefined {
    const mayWrite = flags === undefined || !flags.has("no-writes");
    const needsMemory = mayWrite && flags?.has("allow-oom") !== true;
    const isOutOfMemory = needsMemory && gates.isOutOfMemory(client);
    if (isOutOfMemory && flags !== undefined) return OUT_OF_MEMORY;
    const diskFailure = mayWrite ? gates.diskFailure(client) : undefined;
    const lacksReplicas = mayWrite && gates.lacksReplicas(client);
    if (flags !== undefined && mayWrite) {
      if (diskFailure !== undefined) return scriptDiskError(diskFailure);
      if (lacksReplicas) return NO_GOOD_REPLICAS;
      if (isReadOnlyCall) return READ_ONLY_CANNOT_RUN_WRITER;
    }
    this.isReadOnly = isReadOnlyCall || !mayWrite;
    this.memoryRefusal = isOutOfMemory ? OUT_OF_MEMORY : undefined;
    this.writeRefusal = lacksReplicas ? NO_GOOD_REPLICAS : undefined;
    if (diskFailure !== undefined) this.writeRefusal = appendOnlyFileFailed(diskFailure);
    return undefined;
  }

  /** Sets what is known at the beginning. */
  begin(
    client: Connection,
    command: CompiledCommand,
    request: Request,
    clock: Clock,
    position: number,
  ): void {
    this.client = client;
    this.command = command;
    this.request = request;
    this.serial++;
    this.hasGroup = !client.isExecuting && this.debugged?.isPrivate !== true;
    this.canSuspend = !client.isReplay;
    this.nowMs = clock.nowMs;
    this.begunMs = clock.monotonicMs();
    this.position = position;
    this.dbIndex = client.dbIndex;
    this.resp = 2;
    this.isLogMuted = false;
    this.isStreamMuted = false;
    this.hasWritten = false;
    this.isBusy = false;
    this.isSlow = false;
    this.words = NO_WORDS;
    this.isKilled = false;
  }

  start(): RunState {
    const { engine, reference } = this;
    return this.kind === "script" ? engine.start(reference, this) : engine.startFunction(reference, this);
  }
}

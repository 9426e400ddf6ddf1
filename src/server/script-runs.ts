/**
 * Scripts on the server: which there are, and running them. A script runs as EXEC does: in one piece, its effects one
 * group of the append-only file, its declared keys fetched before, any other cold key read on the spot.
 *
 * Owns the VM, which is made when the first script comes.
 */
import type { ScriptCall, ScriptControl } from "../commands/context.ts";
import type { CommandTable, CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import {
  appendOnlyFileFailed,
  NO_SCRIPT_RUNNING,
  NO_SUCH_SCRIPT,
  NOT_ALLOWED_IN_SCRIPT,
  OUT_OF_MEMORY,
  READ_ONLY_CANNOT_RUN_WRITER,
  REPLY_TOO_LARGE_IN_SCRIPT,
  SCRIPT_MEMORY_EXHAUSTED,
  SCRIPT_WITHOUT_MEMORY,
  scriptDiskError,
  scriptNotCompiled,
  UNKNOWN_COMMAND_IN_SCRIPT,
  WRITE_IN_READ_ONLY_SCRIPT,
  WRONG_ARITY_IN_SCRIPT,
} from "../protocol/errors.ts";
import { DONE, type Outcome } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import { Engine } from "../scripting/engine.ts";
import type { ScriptHost } from "../scripting/host.ts";
import { LuaFatalError } from "../scripting/lua-module.ts";
import { type Script, ScriptCache, shaOf } from "../scripting/script-cache.ts";
import { parseShebang } from "../scripting/shebang.ts";
import { webAssembly } from "../scripting/web-assembly.ts";
import type { Connection } from "./connection.ts";
import type { GroupedEffects } from "./transactions.ts";
import type { WriteGates } from "./write-gates.ts";

/** The most memory that the VM may take. */
const VM_LIMIT_BYTES = 1024 * 1024 * 1024;

/** The dispatcher, as far as scripts need it. */
export interface ScriptRunsDispatcher {
  readonly client: Connection;
  request: Request;
  db: Database;
  readonly reply: ReplyWriter;
  readonly effects: GroupedEffects;
  readonly gates: WriteGates;
  /** Executes a command as the present client, without further gates. */
  executeQueued(command: CompiledCommand, request: Request): void;
  /** Bookkeeping after what may have changed something. */
  afterEffects(connection: Connection, isWrite: boolean): void;
}

export interface ScriptRunsParts {
  readonly table: CommandTable;
  readonly log: (level: number, text: string) => void;
}

/** The script that runs. */
interface Run {
  /** What errors call it. */
  readonly name: string;
  readonly isReadOnly: boolean;
  /** Why commands that need memory, or write, are refused; until the script has written. */
  readonly memoryRefusal: string | undefined;
  readonly diskRefusal: string | undefined;
  /** The script has called a command that writes. */
  hasWritten: boolean;
  resp: 2 | 3;
}

export class ScriptRuns implements ScriptControl, ScriptHost {
  private readonly dispatcher: ScriptRunsDispatcher;
  private readonly parts: ScriptRunsParts;
  private readonly cache = new ScriptCache();
  private engine: Engine | undefined;
  private present: Run | undefined;

  constructor(dispatcher: ScriptRunsDispatcher, parts: ScriptRunsParts) {
    this.dispatcher = dispatcher;
    this.parts = parts;
  }

  get reply(): ReplyWriter {
    return this.dispatcher.reply;
  }

  /** Scripts kept, and what they take besides the VM. */
  get scripts(): number {
    return this.cache.size;
  }

  get scriptBytes(): number {
    return this.cache.bytes;
  }

  /** Bytes that the VM uses, and has taken from the system. */
  get vmUsedBytes(): number {
    return this.engine?.vm.usedBytes ?? 0;
  }

  get vmReservedBytes(): number {
    return this.engine?.vm.reservedBytes ?? 0;
  }

  /** What scripts take of memory. */
  get memoryBytes(): number {
    return this.scriptBytes + this.vmUsedBytes;
  }

  run(call: ScriptCall): Outcome {
    const { request, reply } = this.dispatcher;
    const script = this.find(call, request);
    if (script === undefined) return reply.error(NO_SUCH_SCRIPT);
    if (typeof script === "string") return reply.error(script);
    const run = this.prepare(script, call.isReadOnly);
    if (typeof run === "string") return reply.error(run);
    return this.execute(script, run, call);
  }

  load(argument: number): Outcome {
    const { request, reply } = this.dispatcher;
    const { buf, start, len } = request;
    const known = this.cache.findSource(buf, start[argument], len[argument]);
    const script = known ?? this.add(Buffer.from(request.bytes(argument)));
    return typeof script === "string" ? reply.error(script) : reply.bulkText(script.sha);
  }

  has(argument: number): boolean {
    const { buf, start, len } = this.dispatcher.request;
    return len[argument] === 40 && this.cache.findSha(buf, start[argument]) !== undefined;
  }

  flush(): void {
    this.cache.clear();
    this.engine = undefined;
  }

  kill(): Outcome {
    return this.dispatcher.reply.error(NO_SCRIPT_RUNNING);
  }

  call(request: Request): string | undefined {
    const { dispatcher } = this;
    const run = this.present!;
    let command = this.parts.table.find(request);
    if (command?.subcommands !== undefined && request.argc > 1) {
      command = command.subcommands.find(request.buf, request.start[1], request.len[1]);
    }
    if (command === undefined) return this.refuse(undefined, UNKNOWN_COMMAND_IN_SCRIPT);
    if (!command.accepts(request.argc) || command.run === undefined) {
      return this.refuse(command, WRONG_ARITY_IN_SCRIPT);
    }
    if (!command.isForScripts) return this.refuse(command, NOT_ALLOWED_IN_SCRIPT);
    if (command.mayHaveEffects && run.isReadOnly) return this.refuse(command, WRITE_IN_READ_ONLY_SCRIPT);
    if (!run.hasWritten) {
      if (command.isWrite && run.diskRefusal !== undefined) return this.refuse(command, run.diskRefusal);
      if (command.denyOom && run.memoryRefusal !== undefined) return this.refuse(command, run.memoryRefusal);
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

  setPropagation(isOn: boolean): void {
    this.dispatcher.effects.setMuted(!isOn);
  }

  mayCall(request: Request): boolean | undefined {
    let command = this.parts.table.find(request);
    if (command?.subcommands !== undefined && request.argc > 1) {
      command = command.subcommands.find(request.buf, request.start[1], request.len[1]);
    }
    return command === undefined ? undefined : true;
  }

  log(level: number, text: string): void {
    this.parts.log(level, text);
  }

  mustSuspend(): boolean {
    return false;
  }

  private refuse(command: CompiledCommand | undefined, text: string): string {
    if (command !== undefined) command.rejectedCalls++;
    this.dispatcher.reply.onError?.(text);
    return text;
  }

  /** The script that the request means; the error it gets, or undefined, if there is none. */
  private find({ kind, script }: ScriptCall, request: Request): Script | string | undefined {
    const { buf, start, len } = request;
    if (kind === "sha") return this.cache.findSha(buf, start[script]);
    return (
      this.cache.findSource(buf, start[script], len[script]) ?? this.add(Buffer.from(request.bytes(script)))
    );
  }

  /** Compiles and keeps a script; the error, if it is none. */
  private add(source: Buffer): Script | string {
    const shebang = parseShebang(source);
    if (typeof shebang === "string") return shebang;
    const { flags, length } = shebang;
    const script: Script = { sha: shaOf(source), source, flags, skipped: length, reference: undefined };
    const error = this.compile(script);
    if (error !== undefined) return error;
    this.cache.add(script);
    return script;
  }

  private compile(script: Script): string | undefined {
    try {
      this.engine ??= new Engine(this, VM_LIMIT_BYTES, true);
      const compiled = this.engine.compile(script.source, script.skipped, "user_script");
      if ("error" in compiled) return scriptNotCompiled(compiled.error);
      script.reference = compiled.reference;
      return undefined;
    } catch (error) {
      return this.loseEngine(error);
    }
  }

  /** What the script may do now; the error, if it may not even begin. */
  private prepare({ sha, flags }: Script, isReadOnlyCall: boolean): Run | string {
    const { client, gates } = this.dispatcher;
    const mayWrite = flags === undefined || !flags.has("no-writes");
    const diskFailure = mayWrite ? gates.diskFailure(client) : undefined;
    if (flags !== undefined && mayWrite) {
      if (diskFailure !== undefined) return scriptDiskError(diskFailure);
      if (isReadOnlyCall) return READ_ONLY_CANNOT_RUN_WRITER;
    }
    const needsNoMemory = flags !== undefined && (flags.has("allow-oom") || flags.has("no-writes"));
    const isOutOfMemory = !needsNoMemory && gates.isOutOfMemory(client);
    if (isOutOfMemory && flags !== undefined) return SCRIPT_WITHOUT_MEMORY;
    return {
      name: sha,
      isReadOnly: isReadOnlyCall || !mayWrite,
      memoryRefusal: isOutOfMemory ? OUT_OF_MEMORY : undefined,
      diskRefusal: diskFailure === undefined ? undefined : appendOnlyFileFailed(diskFailure),
      hasWritten: false,
      resp: 2,
    };
  }

  private execute(script: Script, run: Run, call: ScriptCall): Outcome {
    const { dispatcher } = this;
    const { client, effects, reply, request, db } = dispatcher;
    if (script.reference === undefined) {
      const error = this.compile(script);
      if (error !== undefined) return reply.error(error);
    }
    const { dbIndex, replyMode, isExecuting } = client;
    const place = reply.end;
    // Within EXEC the group is open.
    if (!isExecuting) effects.beginGroup();
    client.isExecuting = true;
    client.isInScript = true;
    client.replyMode = "on";
    this.present = run;
    try {
      this.engine!.start(script.reference!, { request, firstKey: call.firstKey, keys: call.keys });
      reply.resp = client.resp;
      this.engine!.finish(run.name, run.resp);
    } catch (error) {
      reply.end = place;
      reply.resp = client.resp;
      reply.error(this.loseEngine(error));
    } finally {
      this.present = undefined;
      effects.setMuted(false);
      client.isExecuting = isExecuting;
      client.isInScript = false;
      client.replyMode = replyMode;
      client.dbIndex = dbIndex;
      reply.resp = client.resp;
      dispatcher.request = request;
      dispatcher.db = db;
      if (!isExecuting) effects.endGroup();
    }
    if (run.hasWritten) dispatcher.afterEffects(client, true);
    return DONE;
  }

  /** The VM cannot go on: the next script gets a new one. The error that tells of it; throws what is no failure of the
   * VM's. */
  private loseEngine(error: unknown): string {
    this.engine = undefined;
    this.cache.forgetCompiled();
    if (
      error instanceof LuaFatalError ||
      error instanceof RangeError ||
      error instanceof webAssembly.RuntimeError
    ) {
      return SCRIPT_MEMORY_EXHAUSTED;
    }
    throw error;
  }
}

/**
 * The scripts of EVAL that the server knows, and running them. Owns their VM, which is made when the first one comes.
 */
import type { ScriptCall, ScriptControl } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Outcome } from "../protocol/outcome.ts";
import type { Request } from "../protocol/request.ts";
import { NO_SUCH_SCRIPT, SCRIPT_MEMORY_EXHAUSTED, scriptNotCompiled } from "../protocol/script-errors.ts";
import { Engine } from "../scripting/engine.ts";
import { type Script, ScriptCache, shaOf } from "../scripting/script-cache.ts";
import { parseShebang } from "../scripting/shebang.ts";
import { Functions } from "./functions.ts";
import type { ScriptingFacts } from "./info/info-source.ts";
import { type DebugParts, DebugSessions } from "./script-debugging/debug-sessions.ts";
import { Run } from "./script-run.ts";
import { isVmFailure, type ScriptDispatcher, ScriptRunner, type ScriptRunnerParts } from "./script-runner.ts";

export type ScriptsParts = ScriptRunnerParts & Omit<DebugParts, "dispatcher" | "runner" | "closed">;

const SHA_DIGITS = 40;

export class Scripts implements ScriptControl {
  readonly runner: ScriptRunner;
  readonly functions: Functions;
  readonly debugging: DebugSessions;
  private readonly dispatcher: ScriptDispatcher;
  private readonly cache = new ScriptCache();
  private readonly ownRun = new Run("script", () => this.loseEngine());
  private engine: Engine | undefined;

  constructor(dispatcher: DebugParts["dispatcher"], parts: ScriptsParts) {
    this.dispatcher = dispatcher;
    this.runner = new ScriptRunner(dispatcher, parts);
    this.debugging = new DebugSessions({ ...parts, dispatcher, runner: this.runner });
    this.functions = new Functions(dispatcher, this.runner);
  }

  /** For INFO. */
  get facts(): ScriptingFacts {
    const { cache, debugging, engine, functions } = this;
    return {
      scripts: cache.size,
      scriptBytes: cache.bytes,
      vmUsedBytes: (engine?.vm.usedBytes ?? 0) + debugging.vmBytes((vm) => vm.usedBytes),
      libraries: functions.libraryCount,
      functions: functions.count,
      functionBytes: functions.sourceBytes,
      functionVmUsedBytes: functions.vmUsedBytes,
      vmReservedBytes:
        (engine?.vm.reservedBytes ?? 0) +
        functions.vmReservedBytes +
        debugging.vmBytes((vm) => vm.reservedBytes),
    };
  }

  /** What scripts and functions take of memory. */
  get memoryBytes(): number {
    const { scriptBytes, vmUsedBytes, functionBytes, functionVmUsedBytes } = this.facts;
    return scriptBytes + vmUsedBytes + functionBytes + functionVmUsedBytes;
  }

  get tellsBusy(): boolean {
    return this.runner.tellsBusy;
  }

  get busyError(): string | undefined {
    return this.runner.busyError;
  }

  run(call: ScriptCall): Outcome {
    if (call.kind === "function") return this.functions.run(call);
    const { request, reply } = this.dispatcher;
    const script = this.find(call, request);
    if (script === undefined) return reply.error(NO_SUCH_SCRIPT);
    if (typeof script === "string") return reply.error(script);
    const { client, gates } = this.dispatcher;
    const { debugSession } = client;
    const ownRun = debugSession?.run ?? this.ownRun;
    const refusal = ownRun.permit(client, gates, script.flags, call.isReadOnly);
    if (refusal !== undefined) return reply.error(refusal);
    if (debugSession !== undefined) return debugSession.begin(script, call.firstKey, call.keys);
    if (script.reference === undefined) {
      const error = this.compile(script);
      if (error !== undefined) return reply.error(error);
    }
    ownRun.name = script.sha;
    ownRun.engine = this.engine!;
    ownRun.reference = script.reference!;
    ownRun.firstKey = call.firstKey;
    ownRun.keys = call.keys;
    return this.runner.execute(ownRun);
  }

  /** Whether the script that a command would run may write, as far as can be told before it runs. */
  mayWrite({ spec }: CompiledCommand, request: Request): boolean {
    const { buf, start, len } = request;
    if (spec.name === "fcall") return this.functions.mayWrite(request.text(1));
    const isBySha = spec.name === "evalsha";
    if (isBySha && len[1] !== SHA_DIGITS) return true;
    const known = isBySha ? this.cache.findSha(buf, start[1]) : this.cache.findSource(buf, start[1], len[1]);
    if (known !== undefined) return known.flags?.has("no-writes") !== true;
    const shebang = isBySha ? "" : parseShebang(Buffer.from(request.bytes(1)));
    return typeof shebang === "string" || shebang.flags?.has("no-writes") !== true;
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
    return len[argument] === SHA_DIGITS && this.cache.findSha(buf, start[argument]) !== undefined;
  }

  flush(): void {
    this.cache.clear();
    this.engine = undefined;
  }

  setDebugging(mode: "no" | "yes" | "sync" | undefined): Outcome {
    return this.debugging.setMode(mode);
  }

  get isDebugging(): boolean {
    return this.debugging.isOn;
  }

  debug(evaluate: () => Outcome): Outcome {
    return this.debugging.debug(evaluate);
  }

  kill(kind: "script" | "function"): Outcome {
    return this.runner.kill(kind);
  }

  /** The script that the request means; the error it gets, or undefined, if there is none. */
  private find({ kind, script }: ScriptCall, request: Request): Script | string | undefined {
    const { buf, start, len } = request;
    if (kind === "sha") return this.cache.findSha(buf, start[script]);
    const known = this.cache.findSource(buf, start[script], len[script]);
    return known ?? this.add(Buffer.from(request.bytes(script)));
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
      this.engine ??= new Engine(this.runner, this.runner.vmLimitBytes, true);
      const compiled = this.engine.compile(script.source, script.skipped, "user_script");
      if ("error" in compiled) return scriptNotCompiled(compiled.error);
      script.reference = compiled.reference;
      return undefined;
    } catch (error) {
      this.loseEngine();
      if (!isVmFailure(error)) throw error;
      return SCRIPT_MEMORY_EXHAUSTED;
    }
  }

  /** The next script gets a new VM. */
  private loseEngine(): void {
    this.engine = undefined;
    this.cache.forgetCompiled();
  }
}

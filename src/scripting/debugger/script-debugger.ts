/**
 * Debugs one script: stops it at lines, and does what its client asks for meanwhile. What Redis calls ldb.
 *
 * Redis waits for the client within Lua's hook. Here the hook suspends the script (../script-thread.ts), and whoever
 * runs it lets it go on when the client wants that. The instruction at which a hook has suspended it is executed again,
 * and the hook may be called for its line once more, or not (if the line was reached by a jump back within it). So for
 * that instruction the hook counts single instructions: the first such call is the one that is executed again, of which
 * the line is known; it is also where an error is raised that the client has asked for. The second is the next one.
 */
import type { Request } from "../../protocol/request.ts";
import type { LuaState } from "../lua-module.ts";
import { type LuaVm, OK, REGISTRY } from "../lua-vm.ts";
import type { CallObserver, RedisLibrary } from "../redis-library.ts";
import type { Sandbox } from "../sandbox.ts";
import type { ScriptThread } from "../script-thread.ts";
import { DebugLog } from "./debug-log.ts";
import { replyText } from "./reply-text.ts";
import { SourceListing } from "./source-listing.ts";
import { StackFrames } from "./stack-frames.ts";
import { ValueText } from "./value-text.ts";

/** Reasons for which Lua calls a hook, and what it is to be called for. */
const ON_LINE = 2;
const LINES_AND_COUNT = 4 | 8;
const COUNT_ONLY = 8;
/** The clock is looked at after so many instructions, as in Redis. */
const INSTRUCTIONS = 100_000;
/** What errors and frames call the script. */
const SCRIPT_SOURCE = "user_script";
const EVAL_SOURCE = "@ldb_eval";
/** Words of a command that are shown. */
const SHOWN_WORDS = 10;
const MINUS = 0x2d;

const STEP = "step over";
const BREAKPOINT = "break point";
const BREAKPOINT_CALLED = "redis.breakpoint() called";
const TIMEOUT = "timeout reached, infinite loop?";
const NOBODY_LEFT = "timeout during Lua debugging with client closing connection";
const ABORTED = "script aborted for user request";
const EVAL_TIMEOUT = "the code took too long";

/** What a debugger works on. */
export interface DebuggedEngine {
  readonly vm: LuaVm;
  readonly thread: ScriptThread;
  readonly sandbox: Sandbox;
  readonly library: RedisLibrary;
}

export interface DebuggerParts {
  /** Milliseconds since some time in the past. */
  readonly nowMs: () => number;
  /** After so long without a stop a script is stopped. */
  readonly patienceMs: () => number;
  /** Whether the server wants to do something else. Asked now and then. */
  readonly mustPause: () => boolean;
}

export class ScriptDebugger implements CallObserver {
  readonly log = new DebugLog();
  readonly listing: SourceListing;
  /** It was stopped, and its client is to say what to do. If not, a suspended script just makes a pause. */
  isStopped = false;
  private readonly engine: DebuggedEngine;
  private readonly parts: DebuggerParts;
  private readonly frames: StackFrames;
  private readonly values: ValueText;
  private readonly evalHook: number;
  /** The reference of redis.call. */
  private readonly redisCall: number;
  /** Stops at the next line. */
  private isStepping = true;
  private isBreakpointCalled = false;
  /** Whether it was stopped because it ran for too long. */
  private isTimeout = false;
  private begunMs: number;
  private stoppedThread: LuaState = 0;
  /** Of the instruction at which the script was stopped: whether it is to be executed again, or just is. */
  private repetition: "none" | "due" | "present" = "none";
  /** To be raised where the script was stopped. */
  private errorToRaise: string | undefined;

  /** @param source one character a byte */
  constructor(engine: DebuggedEngine, source: string, parts: DebuggerParts) {
    this.engine = engine;
    this.parts = parts;
    this.listing = new SourceListing(source);
    this.frames = new StackFrames(engine.vm);
    this.values = new ValueText(engine.vm, (address) => engine.sandbox.referenceBehind(address));
    this.begunMs = parts.nowMs();
    this.evalHook = engine.vm.module.addHook((L) => {
      if (parts.nowMs() - this.begunMs < parts.patienceMs()) return;
      engine.vm.pushText(L, EVAL_TIMEOUT);
      engine.vm.raise(L);
    });
    const { vm, library } = engine;
    vm.pushFunction(vm.main, (L) => library.call(L, true));
    this.redisCall = vm.reference(vm.main);
    engine.thread.useHook((L, record) => this.onHook(L, record), LINES_AND_COUNT, INSTRUCTIONS);
    engine.library.observer = this;
  }

  // What the client asks for.

  /** The stopped script goes on, and stops at the next line. */
  step(): void {
    this.isStepping = true;
    this.goOn();
  }

  /** The stopped script goes on to the next breakpoint. */
  continue(): void {
    this.goOn();
  }

  /** The stopped script goes on with an error, which it may catch. */
  abort(text = ABORTED): void {
    this.errorToRaise = text;
    this.goOn();
  }

  /** Nobody is left to say what the stopped script is to do: it goes on, or ends if it seems to be endless. */
  continueAlone(): void {
    this.listing.breakpoints.length = 0;
    if (this.isTimeout) this.errorToRaise = NOBODY_LEFT;
    this.goOn();
  }

  /** Shows the functions that the script is in. */
  trace(): void {
    const { listing, log } = this;
    this.look((thread) => {
      let place = "In";
      for (const { name, source, line } of this.frames.of(thread)) {
        if (source.includes(SCRIPT_SOURCE)) {
          log.add(`${place} ${name ?? "top level"}:`);
          listing.show(log, line);
        }
        place = "From";
      }
    });
  }

  /** Shows a variable: the first of that name, from the present function outwards. */
  print(name: string): void {
    const { vm, sandbox } = this.engine;
    let isFound = false;
    this.look((thread) => {
      for (const frame of this.frames.of(thread)) {
        isFound = this.frames.forLocals(frame, (local) => {
          if (local !== name) return false;
          this.showValue(this.engine.vm.main, "<value> ");
          return true;
        });
        if (isFound) return;
      }
    });
    if (isFound) return;
    if (name !== "KEYS" && name !== "ARGV") {
      this.log.add("No such variable.");
      return;
    }
    const { api, main } = vm;
    api.lua_rawgeti(main, REGISTRY, sandbox.globals);
    api.lua_getfield(main, -1, vm.nameAt(name));
    this.showValue(main, "<value> ");
    api.lua_settop(main, -3);
  }

  /** Shows the local variables of the present function. */
  printAll(): void {
    let count = 0;
    this.look((thread) => {
      const frame = this.frames.present(thread);
      if (frame === undefined) return;
      this.frames.forLocals(frame, (name) => {
        if (name.includes("(*temporary)")) return false;
        this.showValue(this.engine.vm.main, `<value> ${name} = `);
        count++;
        return false;
      });
    });
    if (count === 0) this.log.add("No local variables in the current context.");
  }

  /** Runs a piece of Lua, an expression or a statement, and shows what it gives. */
  evaluate(code: string): void {
    const { vm } = this.engine;
    const { api } = vm;
    this.beside((L) => {
      if (!this.load(L, `return ${code}`)) {
        api.lua_settop(L, 0);
        if (!this.load(L, code)) {
          this.log.add(`<error> ${vm.text(L, -1)}`);
          return;
        }
      }
      if (api.lua_pcall(L, 0, 1, 0) !== OK) this.log.add(`<error> ${this.errorText(L)}`);
      else this.showValue(L, "<retval> ");
    });
  }

  /** Runs a command of Redis, which is shown with its reply. */
  callRedis(words: readonly string[]): void {
    const { vm } = this.engine;
    const { api } = vm;
    this.beside((L) => {
      api.luaL_checkstack(L, words.length + 1, vm.nameAt("command"));
      api.lua_rawgeti(L, REGISTRY, this.redisCall);
      for (const word of words) vm.pushText(L, word);
      this.isStepping = true;
      api.lua_pcall(L, words.length, 1, 0);
      this.isStepping = false;
    });
  }

  // What the script does.

  get isLogging(): boolean {
    return this.isStepping;
  }

  called({ argc, buf, start, len }: Request): void {
    const words = Array.from({ length: Math.min(argc, SHOWN_WORDS) }, (_, i) =>
      buf.toString("latin1", start[i], start[i] + len[i]),
    );
    if (argc > SHOWN_WORDS) words.push(`... (${argc - SHOWN_WORDS - 1} more)`);
    this.log.add(`<redis> ${words.join(" ")}`);
  }

  answered(buf: Buffer, start: number, end: number): void {
    const bytes = buf.subarray(start, end);
    if (bytes[0] === MINUS) this.failed(bytes.toString("latin1", 0, bytes.indexOf("\r")));
    this.log.addValue(`<reply> ${replyText(bytes)}`);
  }

  failed(text: string): void {
    this.log.add(`<error> ${text}`);
  }

  breakpoint(): void {
    this.isBreakpointCalled = true;
  }

  debug(L: LuaState): void {
    const { vm } = this.engine;
    const { api } = vm;
    const count = api.lua_gettop(L);
    const texts: string[] = [];
    for (let i = 1; i <= count; i++) {
      api.luaL_checkstack(L, 1, vm.nameAt("debug"));
      api.lua_pushvalue(L, i);
      texts.push(this.values.of(L));
      api.lua_settop(L, -2);
    }
    this.log.add(`<debug> line ${this.listing.currentLine}: ${texts.join(", ")}`);
  }

  // How it is stopped.

  private onHook(L: LuaState, record: number): void {
    const { vm } = this.engine;
    const isLine = vm.module.word(record) === ON_LINE;
    if (!isLine && this.countsSingly(L)) return;
    if (isLine && L === this.stoppedThread && this.repetition === "present") return;
    const frame = this.frames.present(L);
    // A count may come right before the line of the same instruction, and have suspended the script.
    if (frame === undefined || (isLine && vm.module.suspension.isLeaving)) return;
    const { listing } = this;
    listing.currentLine = frame.line;
    const isBreakpoint = listing.isBreakpoint(frame.line) || this.isBreakpointCalled;
    if (!frame.source.includes(SCRIPT_SOURCE)) return;
    let reason: string | undefined;
    if (isBreakpoint) reason = this.isBreakpointCalled ? BREAKPOINT_CALLED : BREAKPOINT;
    else if (this.isStepping) reason = STEP;
    else if (!isLine) reason = this.reasonOfTime(L);
    if (reason !== undefined) this.stop(L, reason);
  }

  /** Whether the call is one of those that count single instructions. */
  private countsSingly(L: LuaState): boolean {
    const { vm, thread } = this.engine;
    if (vm.api.lua_gethookcount(L) === INSTRUCTIONS) return false;
    if (L === this.stoppedThread && this.repetition === "due") {
      this.repetition = "present";
      const text = this.errorToRaise;
      this.errorToRaise = undefined;
      if (text === undefined) return true;
      this.endRepetition(L);
      this.engine.library.fail(L, text);
    }
    if (L === this.stoppedThread) this.endRepetition(L);
    else thread.setInstructions(L, INSTRUCTIONS);
    return true;
  }

  private endRepetition(L: LuaState): void {
    this.repetition = "none";
    this.engine.thread.setInstructions(L, INSTRUCTIONS);
  }

  /** Whether the script runs for too long. If the server wants to do something else, it makes a pause. */
  private reasonOfTime(L: LuaState): string | undefined {
    const { parts } = this;
    if (parts.nowMs() - this.begunMs >= parts.patienceMs()) return TIMEOUT;
    if (parts.mustPause()) this.engine.thread.suspend(L);
    return undefined;
  }

  private stop(L: LuaState, reason: string): void {
    const { listing, log } = this;
    const { thread } = this.engine;
    this.isStepping = false;
    this.isBreakpointCalled = false;
    this.isStopped = true;
    this.isTimeout = reason === TIMEOUT;
    this.stoppedThread = L;
    log.add(`* Stopped at ${listing.currentLine}, stop reason = ${reason}`);
    listing.show(log, listing.currentLine);
    thread.setInstructions(L, 1);
    thread.suspend(L);
  }

  private goOn(): void {
    this.isStopped = false;
    this.repetition = "due";
    this.begunMs = this.parts.nowMs();
  }

  /** Looks at the thread in which the script is stopped: a coroutine, or that of the script itself. */
  private look(at: (thread: LuaState) => void): void {
    const { stoppedThread } = this;
    this.frames.within(stoppedThread, () => at(stoppedThread));
  }

  /** Runs something in a thread of its own, while the script is stopped. */
  private beside(run: (L: LuaState) => void): void {
    const { vm } = this.engine;
    const { api, main } = vm;
    const L = api.lua_newthread(main);
    const reference = vm.reference(main);
    api.lua_sethook(L, this.evalHook, COUNT_ONLY, INSTRUCTIONS);
    this.begunMs = this.parts.nowMs();
    run(L);
    api.luaL_unref(main, REGISTRY, reference);
  }

  private load(L: LuaState, code: string): boolean {
    const { vm } = this.engine;
    const address = vm.scratchFor(code.length);
    vm.heap.write(code, address, "latin1");
    return vm.api.luaL_loadbuffer(L, address, code.length, vm.nameAt(EVAL_SOURCE)) === OK;
  }

  private showValue(L: LuaState, prefix: string): void {
    this.log.addValue(prefix + this.values.of(L));
  }

  /** Of the error on top of the stack: Redis's are tables. */
  private errorText(L: LuaState): string {
    const { vm } = this.engine;
    return vm.text(L, -1) ?? this.values.of(L);
  }
}

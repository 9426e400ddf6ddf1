/**
 * A VM with all that scripts find in it, and how they run there. Scripts are compiled once, and kept as references; the
 * owner keeps their sources, since a VM that ran out of memory is thrown away with all that was in it.
 *
 * One script runs at a time. It may be suspended (script-thread.ts), and goes on with `resume`.
 */

import type { Request } from "../protocol/request.ts";
import { FUNCTION_LOAD_TIMEOUT, functionsNotRegistered } from "../protocol/script-errors.ts";
import { type DebuggerParts, ScriptDebugger } from "./debugger/script-debugger.ts";
import type { RegisteredFunction } from "./function-library.ts";
import { FunctionRegistration } from "./function-registration.ts";
import type { ScriptHost } from "./host.ts";
import { installBit } from "./libraries/bit.ts";
import { installJson } from "./libraries/json.ts";
import { installRandom } from "./libraries/math-random.ts";
import { installMessagePack } from "./libraries/message-pack.ts";
import { installStruct } from "./libraries/struct.ts";
import type { LuaState } from "./lua-module.ts";
import { errorOf, LuaToReply } from "./lua-to-reply.ts";
import { BOOLEAN, LuaVm, NIL, OK, REGISTRY, TABLE } from "./lua-vm.ts";
import { RedisLibrary } from "./redis-library.ts";
import { type PushLibrary, Sandbox } from "./sandbox.ts";
import { type Decision, ScriptThread } from "./script-thread.ts";

/** Offsets within lua_Debug. */
const WHAT_OFFSET = 12;
const SOURCE_OFFSET = 16;
const LINE_OFFSET = 20;
const DEBUG_BYTES = 128;
/** Of calls that were the last thing a function did. */
const TAIL_CALL = "=(tail call)";
/** Of an address in WebAssembly's memory, as C prints it. */
const ADDRESS_DIGITS = 8;
/** How far the place of an error is looked for. */
const MAX_LEVELS = 8;
/** First byte of compiled Lua. */
const ESCAPE = 0x1b;
/** The garbage collector does a step after so many scripts, as in Redis. */
const SCRIPTS_PER_STEP = 50;
const GC_STEP = 5;

const KILLED = "ERR Script killed by user with SCRIPT KILL...";

/** What a script is called with. */
export interface ScriptArguments {
  readonly request: Request;
  /** The argument that is the first key, and how many there are; all behind them are arguments. */
  readonly firstKey: number;
  readonly keys: number;
}

/** Whether a script has come to its end (or failed), or was suspended. */
export type RunState = "ended" | "suspended";

/** A compiled script, or why it is none. */
export type Compiled = { readonly reference: number } | { readonly error: string };

export class Engine {
  readonly vm: LuaVm;
  readonly sandbox: Sandbox;
  readonly library: RedisLibrary;
  private readonly host: ScriptHost;
  readonly thread: ScriptThread;
  private readonly toReply: LuaToReply;
  private readonly registration: FunctionRegistration;
  private readonly debugAt: number;
  private readonly keysName: number;
  private readonly argvName: number;
  /** What lua_pcall has returned of the last script. */
  private status = OK;
  /** Where it has failed. */
  private failedAt: string | undefined;
  private isRunning = false;
  private isLoading = false;
  /** Where the suspended script is. */
  private suspendedAt: string | undefined;
  private scripts = 0;

  /**
   * @param limitBytes the most memory that the VM may take
   * @param isForEval whether its scripts are those of EVAL, or functions
   */
  constructor(host: ScriptHost, limitBytes: number, isForEval: boolean) {
    this.host = host;
    const vm = new LuaVm(limitBytes);
    this.vm = vm;
    const isRunning = () => this.isRunning && !this.thread.isEnding;
    this.library = new RedisLibrary(vm, host, isRunning, (L) => {
      this.suspendedAt = this.placeOf(L);
      this.thread.suspendInCall(L);
    });
    this.toReply = new LuaToReply(vm, host.reply);
    this.sandbox = new Sandbox(vm, this.libraries(isRunning, isForEval));
    this.thread = new ScriptThread(vm, (L) => this.decide(L));
    vm.module.onFailure = () => {
      if (this.isRunning) this.failedAt = this.placeOf(this.thread.state);
    };
    this.registration = new FunctionRegistration(vm, this.library, this.sandbox);
    this.debugAt = vm.api.malloc(DEBUG_BYTES);
    vm.pushText(vm.main, "KEYS");
    this.keysName = vm.reference(vm.main);
    vm.pushText(vm.main, "ARGV");
    this.argvName = vm.reference(vm.main);
  }

  /** Has the scripts that begin from now on debugged. `source` is the one, with one character a byte. */
  debug(source: string, parts: DebuggerParts): ScriptDebugger {
    return new ScriptDebugger(this, source, parts);
  }

  /** Compiles a script of which the first `skipped` bytes do not count. */
  compile(source: Buffer, skipped: number, name: string): Compiled {
    const { vm } = this;
    const { api, main } = vm;
    const length = source.length - skipped;
    if (length > 0 && source[skipped] === ESCAPE) {
      return { error: `${name}:1: unexpected symbol near 'char(27)'` };
    }
    const address = vm.scratchFor(length);
    source.copy(vm.heap, address, skipped);
    if (api.luaL_loadbuffer(main, address, length, vm.nameAt(`@${name}`)) !== OK) {
      const error = vm.text(main, -1) ?? "";
      api.lua_settop(main, 0);
      return { error };
    }
    return { reference: vm.reference(main) };
  }

  /** Runs a script of EVAL: keys and arguments are globals. */
  start(reference: number, args: ScriptArguments): RunState {
    const { api } = this.vm;
    const L = this.begin(reference);
    api.lua_rawgeti(L, REGISTRY, this.sandbox.globals);
    api.lua_rawgeti(L, REGISTRY, this.keysName);
    this.pushArguments(L, args.request, args.firstKey, args.keys);
    api.lua_rawset(L, -3);
    api.lua_rawgeti(L, REGISTRY, this.argvName);
    const firstArgument = args.firstKey + args.keys;
    this.pushArguments(L, args.request, firstArgument, args.request.argc - firstArgument);
    api.lua_rawset(L, -3);
    api.lua_settop(L, -2);
    return this.took(this.thread.start(0));
  }

  /** Runs a function: keys and arguments are its arguments. */
  startFunction(reference: number, { request, firstKey, keys }: ScriptArguments): RunState {
    const L = this.begin(reference);
    const firstArgument = firstKey + keys;
    this.pushArguments(L, request, firstKey, keys);
    this.pushArguments(L, request, firstArgument, request.argc - firstArgument);
    return this.took(this.thread.start(2));
  }

  /** Runs a library's code, which registers its functions; undefined, or why it did not end well. */
  loadLibrary(reference: number, functions: Map<string, RegisteredFunction>): string | undefined {
    const { vm, registration } = this;
    const L = this.thread.ready();
    vm.api.lua_rawgeti(L, REGISTRY, reference);
    vm.api.luaL_unref(vm.main, REGISTRY, reference);
    this.isLoading = true;
    registration.begin(functions);
    try {
      const status = this.thread.start(0);
      if (status === OK) return undefined;
      return this.thread.isEnding ? FUNCTION_LOAD_TIMEOUT : functionsNotRegistered(this.errorOnTop(L).text);
    } finally {
      this.isLoading = false;
      registration.end();
    }
  }

  /** Forgets a function. */
  release(reference: number): void {
    this.vm.api.luaL_unref(this.vm.main, REGISTRY, reference);
  }

  /** Lets the suspended script go on. */
  resume(): RunState {
    return this.took(this.thread.resume());
  }

  /** Answers what the script has returned, or its error; it is over. `name` is what errors call it. */
  finish(name: string, scriptResp: 2 | 3): void {
    const { vm, thread } = this;
    const { state: L } = thread;
    this.isRunning = false;
    if (thread.isEnding) this.answer(KILLED, name, this.suspendedAt);
    else if (this.status !== OK) this.answerError(L, name);
    else {
      vm.api.lua_settop(L, 1);
      this.toReply.write(L, scriptResp);
      if (++this.scripts % SCRIPTS_PER_STEP === 0) vm.api.lua_gc(vm.main, GC_STEP, SCRIPTS_PER_STEP);
    }
  }

  /** Ends the suspended script, and answers that a user has done that. */
  kill(name: string): void {
    this.thread.end();
    this.isRunning = false;
    this.answer(KILLED, name, this.suspendedAt);
  }

  private begin(reference: number): LuaState {
    const L = this.thread.ready();
    this.isRunning = true;
    this.failedAt = undefined;
    this.vm.api.lua_rawgeti(L, REGISTRY, reference);
    return L;
  }

  /** What is to become of what runs; it is in L. */
  private decide(L: LuaState): Decision {
    const { host } = this;
    if (this.isLoading) return host.mustEndLoading() ? "is ended" : "goes on";
    if (!this.isRunning || !host.mustSuspend()) return "goes on";
    this.suspendedAt = this.placeOf(L);
    return "is suspended";
  }

  private took(status: number | undefined): RunState {
    if (status === undefined) return "suspended";
    this.status = status;
    return "ended";
  }

  private pushArguments(L: LuaState, request: Request, first: number, count: number): void {
    const { vm } = this;
    vm.api.lua_createtable(L, count, 0);
    for (let i = 0; i < count; i++) {
      vm.pushBytes(L, request.buf, request.start[first + i], request.len[first + i]);
      vm.api.lua_rawseti(L, -2, i + 1);
    }
  }

  private answerError(L: LuaState, name: string): void {
    const { reply } = this.host;
    const { text, isCounted } = this.errorOnTop(L);
    const { onError } = reply;
    if (isCounted) reply.onError = undefined;
    this.answer(text, name, this.failedAt);
    reply.onError = onError;
  }

  private errorOnTop(L: LuaState): { readonly text: string; readonly isCounted: boolean } {
    const { vm } = this;
    const type = vm.api.lua_type(L, -1);
    if (type === TABLE) return errorOf(vm, L);
    return { text: `ERR ${this.errorText(L, type)}`, isCounted: false };
  }

  private answer(text: string, name: string, place: string | undefined): void {
    this.host.reply.error(place === undefined ? text : `${text} script: ${name}, on ${place}.`);
  }

  /** As Lua's tostring has it. */
  private errorText(L: LuaState, type: number): string {
    const text = this.vm.text(L, -1);
    if (text !== undefined) return text;
    if (type === NIL) return "nil";
    const { api } = this.vm;
    if (type === BOOLEAN) return String(api.lua_toboolean(L, -1) === 1);
    return `${this.vm.typeName(L, -1)}: 0x${api.lua_topointer(L, -1).toString(16).padStart(ADDRESS_DIGITS, "0")}`;
  }

  /** Where the thread is in a script, or, if it is in a function of C, where that was called. */
  private placeOf(L: LuaState): string | undefined {
    const { vm, debugAt } = this;
    const { api, module } = vm;
    for (let level = 0; level < MAX_LEVELS; level++) {
      if (api.lua_getstack(L, level, debugAt) === 0) return undefined;
      api.lua_getinfo(L, vm.nameAt("Sl"), debugAt);
      const source = this.cText(module.word(debugAt + SOURCE_OFFSET));
      const isC = this.cText(module.word(debugAt + WHAT_OFFSET)) === "C";
      if ((isC && level === 0) || source === TAIL_CALL) continue;
      return `${source}:${module.word(debugAt + LINE_OFFSET) | 0}`;
    }
    return undefined;
  }

  private cText(address: number): string {
    const { heap } = this.vm;
    return heap.toString("latin1", address, heap.indexOf(0, address));
  }

  /** coroutine.running: a script is no coroutine to itself. The library is on top of the stack. */
  private replaceRunning(L: LuaState): void {
    const { vm } = this;
    const { api } = vm;
    api.lua_getfield(L, -1, vm.nameAt("running"));
    const running = vm.module.functionAt(api.lua_tocfunction(L, -1));
    api.lua_settop(L, -2);
    vm.setFunction(L, "running", (state) => {
      if (state !== this.thread.state) return running(state);
      api.lua_pushnil(state);
      return 1;
    });
  }

  private libraries(isRunning: () => boolean, isForEval: boolean): Record<string, PushLibrary> {
    const { vm } = this;
    return {
      redis: (L) => {
        this.library.install(L);
        if (isForEval) this.library.installForEval(L);
      },
      cjson: (L) => installJson(vm, L),
      cmsgpack: (L) => installMessagePack(vm, L),
      struct: (L) => installStruct(vm, L),
      bit: (L) => installBit(vm, L),
      math: (L) => installRandom(vm, L, isRunning),
      coroutine: (L) => this.replaceRunning(L),
      os: (L) => {
        vm.setFunction(L, "clock", (state) => {
          vm.api.lua_pushnumber(state, process.cpuUsage().user / 1e6);
          return 1;
        });
      },
    };
  }
}

/**
 * The library redis: what scripts can ask of the server.
 */
import { createHash } from "node:crypto";
import { REDIS_VERSION } from "../base/compatibility.ts";
import { formatDouble, writeInteger } from "../base/numbers.ts";
import { Request } from "../protocol/request.ts";
import { MUST_WAIT, type ScriptHost } from "./host.ts";
import type { LuaFunction, LuaState } from "./lua-module.ts";
import { type LuaVm, NUMBER, STRING, toInteger } from "./lua-vm.ts";
import { pushErrorTable, ReplyToLua } from "./reply-to-lua.ts";

const MINUS = 0x2d;
const GENERAL_CODE = "ERR ";
/** Most bytes of a number's digits. */
const DIGITS_BYTES = 32;
const LOG_LEVELS = ["LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"];
const REPLICATION: Readonly<Record<string, number>> = {
  REPL_NONE: 0,
  REPL_AOF: 1,
  REPL_SLAVE: 2,
  REPL_REPLICA: 2,
  REPL_ALL: 3,
};

/** Told of what scripts call: a debugger. Texts of errors are as Redis logs them: those of replies begin with "-". */
export interface CallObserver {
  /** Whether it wants to be told of calls, replies and errors. */
  readonly isLogging: boolean;
  called(request: Request): void;
  /** The reply lies in `buf`. */
  answered(buf: Buffer, start: number, end: number): void;
  failed(text: string): void;
  /** redis.breakpoint. */
  breakpoint(): void;
  /** redis.debug: its arguments are on the stack. */
  debug(L: LuaState): void;
}

export class RedisLibrary {
  /** Present while scripts are debugged. */
  observer: CallObserver | undefined;
  private readonly vm: LuaVm;
  private readonly host: ScriptHost;
  private readonly isRunning: () => boolean;
  private readonly toLua: ReplyToLua;
  private readonly suspend: (L: LuaState) => void;
  /** The arguments of a call, where Lua has them. */
  private readonly request = new Request();
  /** Room for the digits of numbers among them. */
  private digitsAt = 0;
  private digitsCapacity = 0;

  /** @param suspend suspends the script in the call that is made, which will be made again */
  constructor(vm: LuaVm, host: ScriptHost, isRunning: () => boolean, suspend: (L: LuaState) => void) {
    this.vm = vm;
    this.host = host;
    this.isRunning = isRunning;
    this.toLua = new ReplyToLua(vm);
    this.suspend = suspend;
  }

  /** Adds the functions to the table on top of the stack. */
  install(L: LuaState): void {
    const { vm, host } = this;
    const { api } = vm;
    const define = (name: string, fn: LuaFunction) => vm.setFunction(L, name, fn);
    define("call", (state) => this.call(state, true));
    define("pcall", (state) => this.call(state, false));
    this.installForLoading(L);
    define("setresp", (state) => {
      this.checkRunning(state, "redis.setresp");
      if (api.lua_gettop(state) !== 1) return this.fail(state, "redis.setresp() requires one argument.");
      const version = toInteger(api.lua_tonumber(state, 1));
      if (version !== 2 && version !== 3) return this.fail(state, "RESP version must be 2 or 3.");
      host.setResp(version);
      return 0;
    });
    define("sha1hex", (state) => {
      if (api.lua_gettop(state) !== 1) return this.fail(state, "wrong number of arguments");
      const address = api.lua_tolstring(state, 1, vm.lengthAt);
      const bytes = address === 0 ? "" : vm.heap.subarray(address, address + vm.length);
      vm.pushText(state, createHash("sha1").update(bytes).digest("hex"));
      return 1;
    });
    define("error_reply", (state) => {
      if (!this.hasOneString(state)) return 1;
      const text = vm.text(state, 1)!.replace(/^-/, "");
      if (this.observer?.isLogging === true) this.observer.failed(`-${text}`);
      this.pushErrorOfReply(state, text);
      return 1;
    });
    define("status_reply", (state) => {
      if (!this.hasOneString(state)) return 1;
      api.lua_createtable(state, 0, 1);
      api.lua_pushvalue(state, 1);
      api.lua_setfield(state, -2, vm.nameAt("ok"));
      return 1;
    });
    define("set_repl", (state) => {
      this.checkRunning(state, "redis.set_repl");
      if (api.lua_gettop(state) !== 1) return this.fail(state, "redis.set_repl() requires two arguments.");
      const flags = toInteger(api.lua_tonumber(state, 1));
      if (flags < 0 || flags > 3) {
        return this.fail(
          state,
          "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        );
      }
      const { REPL_AOF, REPL_REPLICA } = REPLICATION;
      host.setPropagation((flags & REPL_AOF) !== 0, (flags & REPL_REPLICA) !== 0);
      return 0;
    });
    for (const [name, flags] of Object.entries(REPLICATION)) vm.setNumber(L, name, flags);
    define("acl_check_cmd", (state) => this.mayCall(state));
  }

  /** Adds the functions that only scripts of EVAL have. */
  installForEval(L: LuaState): void {
    const { vm } = this;
    vm.setFunction(L, "breakpoint", (state) => {
      this.observer?.breakpoint();
      vm.api.lua_pushboolean(state, this.observer === undefined ? 0 : 1);
      return 1;
    });
    vm.setFunction(L, "debug", (state) => {
      this.observer?.debug(state);
      return 0;
    });
    vm.setFunction(L, "replicate_commands", (state) => {
      vm.api.lua_pushboolean(state, 1);
      return 1;
    });
  }

  /** Adds what libraries of functions have, too, while they are loaded. */
  installForLoading(L: LuaState): void {
    const { vm } = this;
    vm.setFunction(L, "log", (state) => this.log(state));
    LOG_LEVELS.forEach((name, level) => vm.setNumber(L, name, level));
    const [major, minor, patch] = REDIS_VERSION.split(".").map(Number);
    vm.setNumber(L, "REDIS_VERSION_NUM", (major << 16) | (minor << 8) | patch);
    vm.setText(L, "REDIS_VERSION", REDIS_VERSION);
  }

  /** Raises an error with the general code. */
  fail(L: LuaState, text: string): never {
    this.pushError(L, `ERR ${text}`);
    return this.vm.raise(L);
  }

  private pushError(L: LuaState, text: string): void {
    this.logError(text);
    this.pushErrorOfReply(L, text);
  }

  private logError(text: string): void {
    if (this.observer?.isLogging !== true) return;
    this.observer.failed(text.startsWith(GENERAL_CODE) ? text.slice(GENERAL_CODE.length) : `-${text}`);
  }

  /** @param text with a code; one without a blank is a message without a code */
  private pushErrorOfReply(L: LuaState, text: string): void {
    const blank = text.indexOf(" ");
    const code = blank < 0 ? "ERR" : text.slice(0, blank);
    const message = text.slice(blank + 1).replace(/^[\r\n]+|[\r\n]+$/g, "");
    pushErrorTable(this.vm, L, `${code} ${message}`, false);
  }

  private checkRunning(L: LuaState, what: string): void {
    if (!this.isRunning()) this.fail(L, `${what} can only be called inside a script invocation`);
  }

  private hasOneString(L: LuaState): boolean {
    const { api } = this.vm;
    if (api.lua_gettop(L) === 1 && api.lua_type(L, 1) === STRING) return true;
    this.pushError(L, "ERR wrong number or type of arguments");
    return false;
  }

  /** redis.call and redis.pcall, of which only the former raises errors. */
  call(L: LuaState, raises: boolean): number {
    const { vm, host, request } = this;
    const { suspension } = vm.module;
    if (suspension.isReturning) suspension.arrive();
    if (!this.isRunning()) this.checkRunning(L, "redis.call/pcall");
    const problem = this.fillRequest(L);
    if (problem !== undefined) {
      this.pushError(L, `ERR ${problem}`);
      return raises ? vm.raise(L) : 1;
    }
    const { reply } = host;
    const start = reply.end;
    if (this.observer?.isLogging === true) this.observer.called(request);
    const refusal = host.call(request);
    if (refusal === MUST_WAIT) {
      this.suspend(L);
      return 0;
    }
    if (refusal !== undefined) {
      this.logError(refusal);
      pushErrorTable(vm, L, refusal, true);
      return raises ? vm.raise(L) : 1;
    }
    const { buf, end } = reply;
    // What was written stays where it is until the next reply.
    reply.end = start;
    const isError = buf[start] === MINUS;
    this.toLua.push(L, buf, start);
    if (this.observer?.isLogging === true) this.observer.answered(buf, start, end);
    return raises && isError ? vm.raise(L) : 1;
  }

  /** The arguments on the stack as a request; what is wrong with them, if they are none. */
  private fillRequest(L: LuaState): string | undefined {
    const { vm, request } = this;
    const { api } = vm;
    const argc = api.lua_gettop(L);
    if (argc === 0) return "Please specify at least one argument for this redis lib call";
    request.reserve(argc);
    request.argc = argc;
    let digits = 0;
    for (let i = 0; i < argc; i++) {
      const type = api.lua_type(L, i + 1);
      if (type === NUMBER) {
        digits++;
        request.start[i] = -1;
      } else if (type === STRING) {
        request.start[i] = api.lua_tolstring(L, i + 1, vm.lengthAt);
        request.len[i] = vm.length;
      } else {
        return "Lua redis lib command arguments must be strings or integers";
      }
    }
    if (digits > 0) this.formatNumbers(L, digits);
    request.buf = vm.heap;
    return undefined;
  }

  private formatNumbers(L: LuaState, count: number): void {
    const { vm, request } = this;
    const { api } = vm;
    if (count > this.digitsCapacity) {
      api.free(this.digitsAt);
      this.digitsCapacity = 2 * count;
      this.digitsAt = api.malloc(this.digitsCapacity * DIGITS_BYTES);
    }
    let address = this.digitsAt;
    const { heap } = vm;
    for (let i = 0; i < request.argc; i++) {
      if (request.start[i] !== -1) continue;
      const value = api.lua_tonumber(L, i + 1);
      request.start[i] = address;
      const isPlain = Number.isSafeInteger(value) && (value !== 0 || 1 / value > 0);
      const end = isPlain
        ? writeInteger(heap, address, value)
        : address + heap.write(formatDouble(value), address, "latin1");
      request.len[i] = end - address;
      address += DIGITS_BYTES;
    }
  }

  private mayCall(L: LuaState): number {
    this.checkRunning(L, "redis.acl_check_cmd");
    const problem = this.fillRequest(L);
    if (problem !== undefined) return this.fail(L, problem);
    const may = this.host.mayCall(this.request);
    if (may === undefined) return this.fail(L, "Invalid command passed to redis.acl_check_cmd()");
    this.vm.api.lua_pushboolean(L, may ? 1 : 0);
    return 1;
  }

  private log(L: LuaState): number {
    const { vm } = this;
    const { api } = vm;
    const count = api.lua_gettop(L);
    if (count < 2) return this.fail(L, "redis.log() requires two arguments or more.");
    if (api.lua_isnumber(L, 1) === 0) return this.fail(L, "First argument must be a number (log level).");
    const level = toInteger(api.lua_tonumber(L, 1));
    if (level < 0 || level >= LOG_LEVELS.length) return this.fail(L, "Invalid debug level.");
    const words: string[] = [];
    for (let i = 2; i <= count; i++) {
      const text = vm.text(L, i);
      if (text !== undefined) words.push(text);
    }
    this.host.log(level, words.join(" "));
    return 0;
  }
}

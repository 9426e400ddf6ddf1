/**
 * redis.register_function, which libraries call while they are loaded, and the globals that they find then: only what
 * registers and logs. Functions find those of scripts when they are called.
 */
import { INVALID_LIBRARY_NAME } from "../protocol/script-errors.ts";
import { isLibraryName, type RegisteredFunction } from "./function-library.ts";
import type { LuaState } from "./lua-module.ts";
import { FUNCTION, type LuaVm, NIL, REGISTRY, STRING, TABLE } from "./lua-vm.ts";
import type { RedisLibrary } from "./redis-library.ts";
import type { Sandbox } from "./sandbox.ts";
import { SCRIPT_FLAGS, type ScriptFlag } from "./shebang.ts";

/** A registration under way. */
interface Wish {
  name: string | undefined;
  description: string | undefined;
  reference: number | undefined;
  flags: Set<ScriptFlag>;
}

export class FunctionRegistration {
  private readonly vm: LuaVm;
  private readonly library: RedisLibrary;
  private readonly sandbox: Sandbox;
  /** Where the library that is being loaded registers. */
  private functions: Map<string, RegisteredFunction> | undefined;
  /** The globals while a library is loaded. */
  private readonly globals: number;

  constructor(vm: LuaVm, library: RedisLibrary, sandbox: Sandbox) {
    this.vm = vm;
    this.library = library;
    this.sandbox = sandbox;
    const { api, main: L } = vm;
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 8);
    vm.setFunction(L, "register_function", (state) => this.register(state));
    library.installForLoading(L);
    sandbox.failOnUnknown(L);
    sandbox.putGuard(L);
    api.lua_setfield(L, -2, vm.nameAt("redis"));
    sandbox.failOnUnknown(L);
    this.globals = vm.reference(L);
  }

  /** From now on functions are registered in that map. */
  begin(functions: Map<string, RegisteredFunction>): void {
    this.functions = functions;
    this.sandbox.setGlobals(this.globals);
  }

  end(): void {
    this.functions = undefined;
    this.sandbox.setGlobals(this.sandbox.globals);
  }

  private register(L: LuaState): number {
    const { vm, library, functions } = this;
    const count = vm.api.lua_gettop(L);
    if (functions === undefined) {
      return library.fail(L, "redis.register_function can only be called on FUNCTION LOAD command");
    }
    if (count < 1 || count > 2) {
      return library.fail(L, "wrong number of arguments to redis.register_function");
    }
    const wish: Wish = { name: undefined, description: undefined, reference: undefined, flags: new Set() };
    const problem = count === 1 ? this.readNamed(L, wish) : this.readPositional(L, wish);
    if (problem !== undefined) return this.refuse(L, wish, problem);
    const name = wish.name!;
    if (!isLibraryName(name)) return this.refuse(L, wish, INVALID_LIBRARY_NAME.slice("ERR ".length));
    if (functions.has(name)) return this.refuse(L, wish, "Function already exists in the library");
    functions.set(name, {
      name,
      description: wish.description,
      flags: wish.flags,
      reference: wish.reference!,
    });
    return 0;
  }

  private refuse(L: LuaState, { reference }: Wish, problem: string): number {
    if (reference !== undefined) this.vm.api.luaL_unref(L, REGISTRY, reference);
    return this.library.fail(L, problem);
  }

  private readPositional(L: LuaState, wish: Wish): string | undefined {
    const { vm } = this;
    wish.name = vm.text(L, 1);
    if (wish.name === undefined) return "first argument to redis.register_function must be a string";
    if (vm.api.lua_type(L, 2) !== FUNCTION)
      return "second argument to redis.register_function must be a function";
    wish.reference = vm.reference(L);
    return undefined;
  }

  private readNamed(L: LuaState, wish: Wish): string | undefined {
    const { vm } = this;
    const { api } = vm;
    if (api.lua_type(L, 1) !== TABLE) {
      return "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).";
    }
    api.lua_pushnil(L);
    while (api.lua_next(L, 1) !== 0) {
      if (api.lua_type(L, -2) !== STRING)
        return "named argument key given to redis.register_function is not a string";
      const problem = this.readArgument(L, vm.text(L, -2)!.toLowerCase(), wish);
      if (problem !== undefined) return problem;
      api.lua_settop(L, 2);
    }
    if (wish.name === undefined) return "redis.register_function must get a function name argument";
    if (wish.reference === undefined) return "redis.register_function must get a callback argument";
    return undefined;
  }

  /** The value of a named argument is on top of the stack. */
  private readArgument(L: LuaState, key: string, wish: Wish): string | undefined {
    const { vm } = this;
    const { api } = vm;
    if (key === "function_name") {
      wish.name = vm.text(L, -1);
      if (wish.name === undefined)
        return "function_name argument given to redis.register_function must be a string";
    } else if (key === "description") {
      wish.description = vm.text(L, -1);
      if (wish.description === undefined)
        return "description argument given to redis.register_function must be a string";
    } else if (key === "callback") {
      if (api.lua_type(L, -1) !== FUNCTION) {
        return "callback argument given to redis.register_function must be a function";
      }
      api.lua_pushvalue(L, -1);
      wish.reference = vm.reference(L);
    } else if (key === "flags") {
      if (api.lua_type(L, -1) !== TABLE) {
        return "flags argument to redis.register_function must be a table representing function flags";
      }
      return this.readFlags(L, wish);
    } else {
      return "unknown argument given to redis.register_function";
    }
    return undefined;
  }

  private readFlags(L: LuaState, { flags }: Wish): string | undefined {
    const { vm } = this;
    const { api } = vm;
    for (let i = 1; ; i++) {
      api.lua_rawgeti(L, -1, i);
      if (api.lua_type(L, -1) === NIL) break;
      const name = vm.text(L, -1)?.toLowerCase();
      const flag = SCRIPT_FLAGS.find((each) => each === name);
      if (flag === undefined) return "unknown flag given";
      flags.add(flag);
      api.lua_settop(L, -2);
    }
    api.lua_settop(L, -2);
    return undefined;
  }
}

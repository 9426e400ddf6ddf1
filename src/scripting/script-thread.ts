/**
 * The thread of the VM in which scripts run, one after the other, and the hook that Lua calls now and then in it and in
 * the coroutines that scripts make: it suspends a script that runs long, wherever it is, or ends it.
 */
import type { LuaHook, LuaState } from "./lua-module.ts";
import type { LuaVm } from "./lua-vm.ts";

const COUNT = 8;
/** The clock is looked at after so many instructions; many of them may be calls of commands. */
const INSTRUCTIONS = 10_000;
const ANY_RESULTS = -1;

/** What becomes of a script that runs long. */
export type Decision = "goes on" | "is suspended" | "is ended";

export class ScriptThread {
  readonly state: LuaState;
  /** It is being ended: each of its instructions fails, so that it cannot go on however it handles errors. */
  isEnding = false;
  private readonly vm: LuaVm;
  /** What scripts are interrupted by, at what, and after how many instructions. */
  private hook: number;
  private hookMask = COUNT;
  private hookInstructions = INSTRUCTIONS;
  /** Where the script was suspended: a coroutine, or the thread itself. */
  private suspended: LuaState = 0;
  private argumentCount = 0;
  private readonly call = () => this.vm.api.lua_pcall(this.state, this.argumentCount, ANY_RESULTS, 0);
  private readonly decide: (L: LuaState) => Decision;

  /**
   * The thread has the globals that the VM has now.
   * @param decide asked by the hook
   */
  constructor(vm: LuaVm, decide: (L: LuaState) => Decision) {
    this.vm = vm;
    this.decide = decide;
    const { api, main } = vm;
    this.state = api.lua_newthread(main);
    vm.reference(main);
    this.hook = vm.module.addHook((L) => this.onHook(L));
    this.setHook(this.state);
  }

  /** Puts a debugger's hook in the place of the one that asks `decide`. */
  useHook(hook: LuaHook, mask: number, instructions: number): void {
    this.hook = this.vm.module.addHook((L, record) => {
      if (this.isEnding) this.fail(L);
      hook(L, record);
    });
    this.hookMask = mask;
    this.hookInstructions = instructions;
    this.setHook(this.state);
  }

  /** Sets the number of instructions after which the hook is called in one thread. */
  setInstructions(L: LuaState, instructions: number): void {
    this.vm.api.lua_sethook(L, this.hook, this.hookMask, instructions);
  }

  /** Makes the stack empty, for the next script. */
  ready(): LuaState {
    const { state } = this;
    this.vm.api.lua_settop(state, 0);
    if (this.isEnding) this.setHook(state);
    this.isEnding = false;
    return state;
  }

  /** Calls the function on the stack, whose arguments are above it: what lua_pcall returns, or undefined if the script
   * was suspended. */
  start(argumentCount: number): number | undefined {
    this.argumentCount = argumentCount;
    return this.vm.module.suspension.begin(this.call);
  }

  /** Has the suspended script go on; as `start`. */
  resume(): number | undefined {
    return this.vm.module.suspension.resume();
  }

  /** Ends the suspended script. */
  end(): number | undefined {
    this.isEnding = true;
    this.setInstructions(this.suspended, 1);
    return this.resume();
  }

  /** Suspends the script from within a hook, which must return at once. */
  suspend(L: LuaState): void {
    this.suspended = L;
    this.vm.module.suspension.suspendInHook(L);
  }

  /** The same from within a function that the script has called, which will be called again. */
  suspendInCall(L: LuaState): void {
    this.suspended = L;
    this.vm.module.suspension.suspendInCall();
  }

  private setHook(L: LuaState): void {
    this.setInstructions(L, this.hookInstructions);
  }

  private onHook(L: LuaState): void {
    if (this.isEnding) this.fail(L);
    // A coroutine that an ended script has left behind.
    if (this.vm.api.lua_gethookcount(L) !== INSTRUCTIONS) this.setHook(L);
    const decision = this.decide(L);
    if (decision === "is suspended") this.suspend(L);
    if (decision !== "is ended") return;
    this.isEnding = true;
    this.fail(L);
  }

  private fail(L: LuaState): never {
    this.setInstructions(L, 1);
    this.vm.pushText(L, "the script is ended");
    return this.vm.raise(L);
  }
}

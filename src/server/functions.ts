/**
 * Libraries of functions: which there are, and running them. Owns their VM, which is made when the first library comes.
 * Their sources are part of the data: they go to base files and dumps, and come back from there.
 */
import type { FunctionControl, LibraryFacts, RestorePolicy, ScriptCall } from "../commands/context.ts";
import type { SavedFunctions } from "../keyspace/keyspace.ts";
import { WRONG_DUMP_FOOTER } from "../protocol/errors.ts";
import type { Outcome } from "../protocol/outcome.ts";
import {
  DAMAGED_FUNCTION_DUMP,
  functionExists,
  functionNotCompiled,
  libraryExists,
  NO_FUNCTIONS_REGISTERED,
  NO_SUCH_FUNCTION,
  NOT_A_FUNCTION_DUMP,
  restoredLibraryExists,
  SCRIPT_MEMORY_EXHAUSTED,
} from "../protocol/script-errors.ts";
import { Engine } from "../scripting/engine.ts";
import {
  type FunctionLibrary,
  parseLibraryMetadata,
  type RegisteredFunction,
} from "../scripting/function-library.ts";
import { isDumpIntact } from "../types/dump-payload.ts";
import { createFunctionDump, readFunctionDump } from "../types/function-payload.ts";
import { Run } from "./script-run.ts";
import { isVmFailure, type ScriptDispatcher, type ScriptRunner } from "./script-runner.ts";

/** What a library and a function cost besides the source. */
const LIBRARY_BYTES = 256;
const FUNCTION_BYTES = 128;

export class Functions implements FunctionControl, SavedFunctions {
  private readonly dispatcher: ScriptDispatcher;
  private readonly runner: ScriptRunner;
  private readonly ownRun = new Run("function", () => this.loseEngine());
  private libraries = new Map<string, FunctionLibrary>();
  /** All functions, by name in lower case: they are called in any. */
  private functions = new Map<string, RegisteredFunction>();
  /** Undefined before the first library, and after it was lost: then it is made anew from the sources. */
  private engine: Engine | undefined;

  constructor(dispatcher: ScriptDispatcher, runner: ScriptRunner) {
    this.dispatcher = dispatcher;
    this.runner = runner;
  }

  get count(): number {
    return this.functions.size;
  }

  get libraryCount(): number {
    return this.libraries.size;
  }

  /** What libraries take besides the VM. */
  get sourceBytes(): number {
    let bytes = this.functions.size * FUNCTION_BYTES;
    for (const { source } of this.libraries.values()) bytes += source.length + LIBRARY_BYTES;
    return bytes;
  }

  get vmUsedBytes(): number {
    return this.engine?.vm.usedBytes ?? 0;
  }

  get vmReservedBytes(): number {
    return this.engine?.vm.reservedBytes ?? 0;
  }

  get running(): FunctionControl["running"] {
    return this.runner.running;
  }

  has(argument: number): boolean {
    return this.functions.has(this.dispatcher.request.text(argument).toLowerCase());
  }

  /** Whether the function of that name may write; one that does not exist might. */
  mayWrite(name: string): boolean {
    return this.functions.get(name.toLowerCase())?.flags.has("no-writes") !== true;
  }

  run(call: ScriptCall): Outcome {
    const { request, reply } = this.dispatcher;
    const name = request.text(call.script);
    const error = this.revive();
    if (error !== undefined) return reply.error(error);
    const found = this.functions.get(name.toLowerCase());
    if (found === undefined) return reply.error(NO_SUCH_FUNCTION);
    const { client, gates } = this.dispatcher;
    const { ownRun } = this;
    const refusal = ownRun.permit(client, gates, found.flags, call.isReadOnly);
    if (refusal !== undefined) return reply.error(refusal);
    ownRun.name = found.name;
    ownRun.engine = this.engine!;
    ownRun.reference = found.reference;
    ownRun.firstKey = call.firstKey;
    ownRun.keys = call.keys;
    return this.runner.execute(ownRun);
  }

  *list(): Iterable<LibraryFacts> {
    for (const { name, source, functions } of this.libraries.values()) {
      yield {
        name,
        source,
        functions: [...functions.values()].map((each) => ({ ...each, flags: [...each.flags] })),
      };
    }
  }

  /** The name of the library, or the error. */
  create(source: Buffer, replace: boolean): { readonly name: string } | string {
    const library = this.compile(source, replace ? undefined : this.libraries);
    if (typeof library === "string") return library;
    const old = this.libraries.get(library.name);
    for (const name of library.functions.keys()) {
      const present = this.functions.get(name.toLowerCase());
      if (present === undefined || old?.functions.get(present.name) === present) continue;
      this.release(library);
      return functionExists(name);
    }
    if (old !== undefined) this.unlink(old);
    this.link(library);
    return { name: library.name };
  }

  remove(argument: number): boolean {
    const library = this.libraries.get(this.dispatcher.request.text(argument));
    if (library === undefined) return false;
    this.unlink(library);
    return true;
  }

  flush(): void {
    this.libraries.clear();
    this.functions.clear();
    this.engine = undefined;
  }

  dump(compress: boolean): Buffer {
    return createFunctionDump(this.sources(), compress);
  }

  restore(argument: number, policy: RestorePolicy, ignoresChecksum: boolean): string | undefined {
    const payload = Buffer.from(this.dispatcher.request.bytes(argument));
    if (!isDumpIntact(payload, ignoresChecksum)) return WRONG_DUMP_FOOTER;
    const sources = readFunctionDump(payload);
    if (sources === "other type") return NOT_A_FUNCTION_DUMP;
    if (typeof sources === "string") return DAMAGED_FUNCTION_DUMP;
    const libraries = new Map<string, FunctionLibrary>();
    const error = this.compileAll(sources, libraries) ?? this.collision(libraries, policy);
    if (error !== undefined) {
      for (const library of libraries.values()) this.release(library);
      return error;
    }
    const leaving = policy === "flush" ? [...this.libraries.values()] : [];
    for (const name of libraries.keys()) {
      const old = this.libraries.get(name);
      if (policy !== "flush" && old !== undefined) leaving.push(old);
    }
    for (const library of leaving) this.unlink(library);
    for (const library of libraries.values()) this.link(library);
    return undefined;
  }

  *sources(): Iterable<Buffer> {
    for (const { source } of this.libraries.values()) yield source;
  }

  load(source: Buffer, mayReplace: boolean): string | undefined {
    const result = this.create(source, mayReplace);
    return typeof result === "string" ? result : undefined;
  }

  private compileAll(sources: readonly Buffer[], into: Map<string, FunctionLibrary>): string | undefined {
    const names = new Set<string>();
    for (const source of sources) {
      const library = this.compile(source, into);
      if (typeof library === "string") return library;
      into.set(library.name, library);
      for (const name of library.functions.keys()) {
        if (names.has(name.toLowerCase())) return functionExists(name);
        names.add(name.toLowerCase());
      }
    }
    return undefined;
  }

  /** Why libraries cannot stand beside those there are. */
  private collision(
    libraries: ReadonlyMap<string, FunctionLibrary>,
    policy: RestorePolicy,
  ): string | undefined {
    if (policy === "flush") return undefined;
    const replaced = new Set<string>();
    for (const name of libraries.keys()) {
      const old = this.libraries.get(name);
      if (old === undefined) continue;
      if (policy === "append") return restoredLibraryExists(name);
      for (const each of old.functions.keys()) replaced.add(each.toLowerCase());
    }
    for (const { functions } of libraries.values()) {
      for (const name of functions.keys()) {
        const key = name.toLowerCase();
        if (this.functions.has(key) && !replaced.has(key)) return functionExists(name);
      }
    }
    return undefined;
  }

  /** Compiles a library, which is not linked; the error, if it is none, or if there is one of its name in `present`. */
  private compile(
    source: Buffer,
    present: ReadonlyMap<string, FunctionLibrary> | undefined,
  ): FunctionLibrary | string {
    const metadata = parseLibraryMetadata(source);
    if (typeof metadata === "string") return metadata;
    const { name, skipped } = metadata;
    if (present?.has(name) === true) return libraryExists(name);
    const functions = new Map<string, RegisteredFunction>();
    const library = { name, source, functions };
    const error = this.revive() ?? this.fill(library, skipped);
    if (error === undefined && functions.size > 0) return library;
    this.release(library);
    return error ?? NO_FUNCTIONS_REGISTERED;
  }

  /** Runs the code of a library, which registers functions. */
  private fill(
    { source, functions }: { readonly source: Buffer; readonly functions: Map<string, RegisteredFunction> },
    skipped: number,
  ): string | undefined {
    try {
      this.engine ??= new Engine(this.runner, this.runner.vmLimitBytes, false);
      const compiled = this.engine.compile(source, skipped, "user_function");
      if ("error" in compiled) return functionNotCompiled(compiled.error);
      this.runner.beginLoading();
      return this.engine.loadLibrary(compiled.reference, functions);
    } catch (error) {
      this.loseEngine();
      if (!isVmFailure(error)) throw error;
      return SCRIPT_MEMORY_EXHAUSTED;
    }
  }

  /** Makes the VM anew if it was lost. */
  private revive(): string | undefined {
    if (this.engine !== undefined || this.libraries.size === 0) return undefined;
    const lost = [...this.libraries.values()];
    this.engine = new Engine(this.runner, this.runner.vmLimitBytes, false);
    for (const { name, source } of lost) {
      const functions = new Map<string, RegisteredFunction>();
      const metadata = parseLibraryMetadata(source);
      const skipped = typeof metadata === "string" ? 0 : metadata.skipped;
      const error = this.fill({ source, functions }, skipped);
      if (error !== undefined) return error;
      this.link({ name, source, functions });
    }
    return undefined;
  }

  private loseEngine(): void {
    this.engine = undefined;
  }

  private link(library: FunctionLibrary): void {
    this.libraries.set(library.name, library);
    for (const each of library.functions.values()) this.functions.set(each.name.toLowerCase(), each);
  }

  private unlink(library: FunctionLibrary): void {
    this.libraries.delete(library.name);
    for (const name of library.functions.keys()) this.functions.delete(name.toLowerCase());
    this.release(library);
  }

  private release({ functions }: FunctionLibrary): void {
    for (const { reference } of functions.values()) this.engine?.release(reference);
  }
}

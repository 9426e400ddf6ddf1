/**
 * One script that is debugged: from EVAL on, what its client sends is for the debugger, and the client's connection is
 * closed when the script is over.
 *
 * The script runs in slices, each within one turn of the event loop: until the debugger stops it, or until others
 * should have their turn. With SCRIPT DEBUG SYNC it is meanwhile a script that runs for long, as far as others can see:
 * they are told that the server is busy. A *private* one (SCRIPT DEBUG YES) is alone with its changes in each slice
 * (keyspace/private-changes.ts), and between them the data is as if there were none; so others go on.
 */

import { keysOfRequest } from "../../commands/key-positions.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import type { PrivateChanges } from "../../keyspace/private-changes.ts";
import { DONE, type Outcome, SUSPENDED } from "../../protocol/outcome.ts";
import { Request } from "../../protocol/request.ts";
import { NOT_PRIVATE, PRIVATE_KEY_UNREADABLE, scriptNotCompiled } from "../../protocol/script-errors.ts";
import { executeDebugCommand } from "../../scripting/debugger/debug-commands.ts";
import { DebugInput } from "../../scripting/debugger/debug-input.ts";
import type { ScriptDebugger } from "../../scripting/debugger/script-debugger.ts";
import { Engine, type RunState } from "../../scripting/engine.ts";
import type { LuaVm } from "../../scripting/lua-vm.ts";
import type { Script } from "../../scripting/script-cache.ts";
import type { Connection } from "../connection.ts";
import { type DebuggedRun, Run } from "../script-run.ts";
import type { DebugParts } from "./debug-sessions.ts";

/** A slice is so long, if the debugger does not end it before. */
const SLICE_MS = 10;
/** With busy-reply-threshold 0, a script that runs for so long without a stop is stopped. */
const PATIENCE_MS = 5000;
/** A client that does not read what it is told at stops of the script is closed when this much is waiting. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const END_MARK = "<endsession>";
const WARNING = 3;

export class DebugSession implements DebuggedRun {
  readonly run: Run;
  readonly client: Connection;
  private readonly parts: DebugParts;
  private readonly changes: PrivateChanges | undefined;
  private readonly command: CompiledCommand;
  /** The client's own copy of its command. */
  private readonly request: Request;
  private readonly input = new DebugInput();
  private engine: Engine | undefined;
  private debugger: ScriptDebugger | undefined;
  /** Whether the client may still send something. */
  private hasClient = true;
  private sliceBegunMs = 0;
  /** Something is to be done in one of the next turns. */
  private isAwake = false;
  private isOver = false;

  /** @param changes present if it is private */
  constructor(parts: DebugParts, changes: PrivateChanges | undefined) {
    const { client, command, request } = parts.dispatcher;
    this.parts = parts;
    this.changes = changes;
    this.client = client;
    this.command = command!;
    this.request = Request.of(...Array.from({ length: request.argc }, (_, i) => request.bytes(i)));
    this.run = new Run("script", () => undefined);
    this.run.debugged = this;
    parts.log(
      WARNING,
      this.isPrivate
        ? "A script is debugged, its changes will be taken back"
        : "Redis synchronous debugging eval session started",
    );
  }

  get isPrivate(): boolean {
    return this.changes !== undefined;
  }

  get vm(): LuaVm | undefined {
    return this.engine?.vm;
  }

  /** Begins to run the script, whose permissions are known. */
  begin(script: Script, firstKey: number, keys: number): Outcome {
    const { client, parts, run } = this;
    const { clock, dispatcher, runner } = parts;
    const engine = new Engine(runner, runner.vmLimitBytes, true);
    const compiled = engine.compile(script.source, script.skipped, "user_script");
    if ("error" in compiled) return dispatcher.reply.error(scriptNotCompiled(compiled.error));
    this.engine = engine;
    this.debugger = engine.debug(script.source.toString("latin1"), {
      nowMs: () => clock.monotonicMs(),
      patienceMs: () => parts.busyThresholdMs() || PATIENCE_MS,
      mustPause: () => clock.monotonicMs() - this.sliceBegunMs >= SLICE_MS,
    });
    run.name = script.sha;
    run.engine = engine;
    run.reference = compiled.reference;
    run.firstKey = firstKey;
    run.keys = keys;
    run.begin(client, this.command, dispatcher.request, clock, parts.aof.appended);
    if (run.hasGroup) dispatcher.effects.beginGroup();
    const outcome = this.goOn(() => run.start());
    run.request = this.request;
    if (outcome === DONE) return DONE;
    client.park();
    if (!this.isPrivate) runner.makeBusy(run);
    if (!this.debugger.isStopped) this.wake();
    return SUSPENDED;
  }

  // Of the client.

  /** The client has sent something. */
  take(bytes: Uint8Array): void {
    this.input.add(bytes);
    this.wake();
  }

  /** The client sends nothing more: the script runs to its end, and is answered. */
  loseClient(): void {
    this.hasClient = false;
    this.wake();
  }

  /** The connection is closed. What nobody will see need not be done. */
  clientGone(): void {
    if (this.isPrivate) this.close();
    else this.loseClient();
  }

  /** The server ends. */
  end(): void {
    if (this.isPrivate) {
      this.close();
      this.client.close();
    } else if (this.parts.runner.isBusy) this.loseClient();
    // It was dropped, with all that it has done.
    else this.close();
  }

  // Of the script.

  prepare(command: CompiledCommand, request: Request): string | undefined {
    const { changes } = this;
    if (changes === undefined || !command.mayHaveEffects) return undefined;
    // What is published goes nowhere.
    if (command.spec.group === "pubsub") return undefined;
    if (!command.hasKeys) return NOT_PRIVATE;
    const { dbIndex } = this.client;
    const databases = [dbIndex, otherDatabase(command, request) ?? dbIndex];
    for (const { position } of keysOfRequest(command.spec, request, 0) ?? []) {
      for (const index of databases) {
        if (!changes.own(index, request.bytes(position))) return PRIVATE_KEY_UNREADABLE;
      }
    }
    return undefined;
  }

  kill(): void {
    setImmediate(() => {
      if (this.isOver) return;
      const { name } = this.run;
      this.answer(() => {
        this.writeEnd();
        this.engine!.kill(name);
        return this.finish();
      });
    });
  }

  /** Says that the session is over, before what the script's command has answered since `place`: nothing was run. */
  closeBefore(place: number): void {
    const { reply } = this.parts.dispatcher;
    const answer = Buffer.from(reply.buf.subarray(place, reply.end));
    reply.end = place;
    this.writeEnd();
    reply.raw(answer);
    this.close();
    this.client.closeAfterReply();
  }

  /** Has `serve` called in the next turn, as a part of the client's command. */
  private wake(): void {
    if (this.isAwake || this.isOver || this.debugger === undefined) return;
    this.isAwake = true;
    setImmediate(() => {
      this.isAwake = false;
      if (this.isOver) return;
      // Another script may be in the middle of what it does.
      const { runner } = this.parts;
      if (this.isPrivate && runner.isBusy) runner.whenFree(() => this.wake());
      else this.answer(() => this.serve());
    });
  }

  private answer(action: () => Outcome): void {
    const { client, command, parts, request, run } = this;
    const { clock, dispatcher } = parts;
    const presentMs = clock.nowMs;
    // Time stands still for a script, but for the times when it was stopped.
    if (this.debugger!.isStopped) run.nowMs = clock.nowMs;
    clock.nowMs = run.nowMs;
    const outcome = dispatcher.answer(client, command, request, action);
    clock.nowMs = presentMs;
    if (outcome === DONE) client.goOn();
  }

  /** Does what the client has asked for, as long as there is something, and lets the script go on. */
  private serve(): Outcome {
    const target = this.debugger!;
    const { clock } = this.parts;
    const begunMs = clock.monotonicMs();
    while (clock.monotonicMs() - begunMs < SLICE_MS) {
      if (!target.isStopped) {
        const outcome = this.goOn(() => this.engine!.resume());
        if (outcome === DONE) return DONE;
        if (!target.isStopped) break;
      }
      const request = this.input.next();
      if (request === undefined) {
        if (this.hasClient) return SUSPENDED;
        target.continueAlone();
      } else if (request.kind === "error") target.abort(request.text);
      else {
        const isRun = this.slice(() => executeDebugCommand(target, request.words));
        if (!isRun) return this.finish();
        if (target.isStopped) this.sendLog();
      }
    }
    this.wake();
    return SUSPENDED;
  }

  /** Runs the script until it is suspended, or over; then it has been answered. */
  private goOn(action: () => RunState): Outcome {
    const { engine, parts, run } = this;
    const { reply } = parts.dispatcher;
    let state: RunState = "ended";
    const isRun = this.slice(() => {
      state = action();
      reply.resp = this.client.resp;
      if (state === "suspended") return;
      this.writeEnd();
      engine!.finish(run.name, run.resp);
    });
    // What the closure has assigned.
    if (isRun && (state as RunState) === "suspended") {
      if (this.debugger!.isStopped) this.sendLog();
      return SUSPENDED;
    }
    return this.finish();
  }

  /** Does something as the script. False if that was the end of it: then it has been answered. */
  private slice(action: () => void): boolean {
    const { changes, parts, run } = this;
    const { dispatcher, pubsub, runner } = parts;
    const { effects, reply } = dispatcher;
    this.sliceBegunMs = parts.clock.monotonicMs();
    if (changes?.enter() === false) {
      this.writeEnd();
      reply.error(PRIVATE_KEY_UNREADABLE);
      return false;
    }
    runner.enter(run);
    if (this.isPrivate) {
      effects.setPrivate(true);
      pubsub.isMuted = true;
    }
    try {
      action();
      return true;
    } catch (error) {
      // Where it was answered, in part: the buffer may hold other things of before.
      reply.end = Math.max(dispatcher.outbox.cutEnd, reply.replyStart);
      this.writeEnd();
      runner.engineFailed(run, error);
      return false;
    } finally {
      if (this.isPrivate) {
        effects.setPrivate(false);
        pubsub.isMuted = false;
      }
      runner.leave(run);
      changes?.leave();
    }
  }

  /** The script is over, and has been answered. */
  private finish(): Outcome {
    this.close();
    this.parts.runner.end(this.run);
    this.client.closeAfterReply();
    return DONE;
  }

  private close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.changes?.discard();
    this.client.debugSession = undefined;
    this.parts.log(
      WARNING,
      this.isPrivate
        ? "A script is not debugged any more, its changes have been taken back"
        : "Redis synchronous debugging eval session ended",
    );
    this.parts.closed(this);
  }

  private writeEnd(): void {
    const lines = [...(this.debugger?.log.take() ?? []), END_MARK];
    this.send(lines);
  }

  private sendLog(): void {
    this.send(this.debugger!.log.take());
  }

  /** Whatever becomes of the reply to the command, this is sent. */
  private send(lines: readonly string[]): void {
    const { outbox, reply } = this.parts.dispatcher;
    if (this.client.isClosed) return;
    reply.array(lines.length);
    for (const line of lines) reply.simple(line.replaceAll(/[\r\n]/g, " "));
    outbox.cut(this.client, reply.end);
    reply.keep(outbox.cutEnd);
    const { client } = this;
    if (client.outputBufferBytes > MAX_OUTPUT_BYTES) setImmediate(() => client.close());
  }
}

/** The database that the command names besides the selected one. */
function otherDatabase({ spec }: CompiledCommand, request: Request): number | undefined {
  let argument = -1;
  if (spec.name === "move") argument = 2;
  if (spec.name === "copy") {
    for (let i = 3; i < request.argc - 1; i++) if (request.text(i).toLowerCase() === "db") argument = i + 1;
  }
  if (argument < 0 || argument >= request.argc) return undefined;
  const index = Number(request.text(argument));
  return Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}

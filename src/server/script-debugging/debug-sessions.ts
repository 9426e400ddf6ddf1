/**
 * The debugger of scripts (SCRIPT DEBUG): whose scripts are debugged, and those that just are.
 *
 * Any number of clients may want it. One script at a time is debugged with its changes for good; of the others, which
 * see their own changes only, there can be a few, since each has a VM of its own.
 */
import type { Clock } from "../../base/clock.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import { PrivateChanges } from "../../keyspace/private-changes.ts";
import { UNREADABLE, type Warmer } from "../../keyspace/warmer.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import {
  DEBUG_IN_PIPELINE,
  DEBUG_IN_TRANSACTION,
  INVALID_SCRIPT_DEBUG,
  TOO_MANY_DEBUGGERS,
} from "../../protocol/script-errors.ts";
import type { LuaVm } from "../../scripting/lua-vm.ts";
import type { ScriptDispatcher, ScriptRunner } from "../script-runner.ts";
import { DebugSession } from "./debug-session.ts";

/** Each has a VM. */
const MAX_SESSIONS = 16;

export interface DebugParts {
  readonly dispatcher: ScriptDispatcher;
  readonly runner: ScriptRunner;
  readonly clock: Clock;
  readonly keyspace: Keyspace;
  /** Messages are published through this. */
  readonly pubsub: { isMuted: boolean };
  readonly aof: { readonly appended: number };
  /** Absent when the cold tier is off. */
  readonly warmer: Warmer | undefined;
  readonly busyThresholdMs: () => number;
  readonly log: (level: number, text: string) => void;
  readonly closed: (session: DebugSession) => void;
}

export class DebugSessions {
  private readonly parts: DebugParts;
  private readonly sessions = new Set<DebugSession>();

  constructor(parts: Omit<DebugParts, "closed">) {
    this.parts = { ...parts, closed: (session) => this.sessions.delete(session) };
  }

  /** SCRIPT DEBUG. As in Redis, YES leaves what SYNC has set. */
  setMode(mode: "no" | "yes" | "sync" | undefined): Outcome {
    const { client, outbox, reply } = this.parts.dispatcher;
    const isPending = client.queuedPieces > 0 || client.heldPieces > 0 || reply.end > outbox.cutEnd;
    if (isPending) return reply.error(DEBUG_IN_PIPELINE);
    if (mode === undefined) return reply.error(INVALID_SCRIPT_DEBUG);
    if (mode === "no") client.scriptDebugging = undefined;
    else if (mode === "sync") client.scriptDebugging = "sync";
    else client.scriptDebugging ??= "private";
    return reply.ok();
  }

  /** Whether scripts of the present client are debugged. */
  get isOn(): boolean {
    return this.parts.dispatcher.client.scriptDebugging !== undefined;
  }

  /** What the VMs of all sessions take, as `measure` says of one. */
  vmBytes(measure: (vm: LuaVm) => number): number {
    let bytes = 0;
    for (const { vm } of this.sessions) if (vm !== undefined) bytes += measure(vm);
    return bytes;
  }

  /** Runs `evaluate` in a session of the present client. */
  debug(evaluate: () => Outcome): Outcome {
    const { dispatcher } = this.parts;
    const { client, reply } = dispatcher;
    if (client.isExecuting) return reply.error(DEBUG_IN_TRANSACTION);
    if (this.sessions.size >= MAX_SESSIONS) return reply.error(TOO_MANY_DEBUGGERS);
    const changes = client.scriptDebugging === "private" ? this.privateChanges() : undefined;
    const session = new DebugSession(this.parts, changes);
    this.sessions.add(session);
    client.debugSession = session;
    const place = reply.end;
    const outcome = evaluate();
    if (outcome === DONE && client.debugSession === session) session.closeBefore(place);
    return outcome;
  }

  private privateChanges(): PrivateChanges {
    const { keyspace, warmer } = this.parts;
    return new PrivateChanges(
      keyspace,
      (database, key) => warmer?.fetchNow(database, key, 0, key.length) !== UNREADABLE,
    );
  }

  /** The server ends. */
  endAll(): void {
    for (const session of this.sessions) session.end();
  }
}

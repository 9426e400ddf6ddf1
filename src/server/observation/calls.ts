/**
 * Counts and times the calls of commands: for commandstats and latency histograms, the slow log and the latency
 * monitor. All calls are counted, and those that take long are timed.
 *
 * To read the clock takes about 55 ns here, and a GET in a pipeline not much longer. So of *quick* commands (those
 * that cannot take long by what they do: CompiledCommand.isQuick) that are executed right after each other, in one
 * batch of a pipeline or one transaction, only the whole *run* is timed, unless
 *
 * - the batch is large, or a request of the transaction: each is timed; or a reply is, or the handler says that it
 *   did much (XADD that trims): that call ends the run and counts for it;
 * - `slowlog-log-slower-than` is so short that it is about quick commands: then each is timed.
 *
 * If a run took long, something has held up the process, and the last call of the run is named for it: which one it
 * was, no clock can tell afterwards. All other commands are timed alone. Within a script only those are, since the time
 * between them is the script's; the script itself is timed.
 *
 * Of quick commands one call in some tens is timed alone, too, and stands for all that were not (`accountedCalls`): the
 * histograms and `usec` of commandstats are estimates for what is quick, and exact for what is slow.
 */
import type { Clock } from "../../base/clock.ts";
import { LatencyHistogram } from "../../base/latency-histogram.ts";
import type { CallTimes } from "../../commands/context.ts";
import { secretArguments } from "../../commands/secrets.ts";
import type { ServerServices } from "../../commands/services.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import { type Outcome, SUSPENDED } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Request } from "../../protocol/request.ts";
import type { Connection } from "../connection.ts";
import type { LatencyEvents } from "./latency-events.ts";
import type { Monitors } from "./monitors.ts";
import { logWords, SCRIPT_CALLER, type SlowLog } from "./slow-log.ts";

/** Of a quick command the first calls are timed alone, and then one in as many. */
const TIMED_CALLS = 64;
/** Calls in a run: enough to make the clock cheap, few enough to take some tens of microseconds. */
const RUN_CALLS = 16;
/** A run that took so long is no run of quick calls. */
const LONG_MS = 1;
/** More bytes of requests, or a larger reply, may take a while to be dealt with. */
const SMALL_BATCH_BYTES = 32 * 1024;
const SMALL_REQUEST_BYTES = 4096;
const SMALL_REPLY_BYTES = 16 * 1024;
/** What `begin` returns of a call in a run, and of one that is not observed at all. */
const IN_RUN = -1;
const UNOBSERVED = -2;

const MICROSECONDS = 1000;
const NANOSECONDS = 1000;

/** A call that waits for something; it ends when its client has been answered. */
export interface BlockedCall {
  readonly begunMs: number;
  /** What counts of the time until it is resumed: all of it, or, if the client waits for an event (a key, replicas),
   * as long as the handler ran. */
  readonly handlerMs: number | undefined;
  /** For the slow log. */
  readonly words: readonly Buffer[];
}

export interface CallsParts {
  readonly clock: Clock;
  readonly reply: ReplyWriter;
  readonly services: ServerServices;
  readonly slowLog: SlowLog;
  readonly events: LatencyEvents;
}

export class Calls implements CallTimes {
  /** Calls of all commands, for INFO. */
  total = 0;
  /** latency-tracking. */
  keepsHistograms = true;
  /** Clients that are shown all commands; undefined if there are none. */
  monitors: Monitors | undefined;
  private readonly parts: CallsParts;
  /** Of `reply.errors`, those that were counted for their commands. */
  private countedErrors = 0;
  /** Each call is timed. */
  private isExact = false;
  /** Milliseconds from which on a call is of interest to the slow log or the latency monitor. */
  private noticedMs = Number.POSITIVE_INFINITY;
  /** Quick calls of the batch, and now, may form a run. */
  private hasBatchRuns = false;
  private hasRuns = false;
  /** The present call shall end its run. */
  private tookLong = false;
  /** Since when the present run lasts, how many calls it has, the last of them, and whose they are. */
  private runBegunMs = 0;
  private runLength = 0;
  private lastCommand!: CompiledCommand;
  private lastRequest!: Request;
  private runClient!: Connection;
  private readonly reply: ReplyWriter;

  constructor(parts: CallsParts) {
    this.parts = parts;
    this.reply = parts.reply;
  }

  /** To be called when the thresholds have changed. */
  configure(): void {
    const { events, slowLog } = this.parts;
    const slowMs = slowLog.thresholdMicroseconds / MICROSECONDS;
    this.isExact = slowMs >= 0 && slowMs < LONG_MS;
    this.noticedMs = Math.min(
      slowMs < 0 ? Number.POSITIVE_INFINITY : slowMs,
      events.thresholdMs === 0 ? Number.POSITIVE_INFINITY : events.thresholdMs,
    );
  }

  /** That number of requests of a client's pipeline, of that size, will be executed without a pause between them. */
  beginBatch(client: Connection, size: number, bytes: number): void {
    this.runLength = 0;
    this.runClient = client;
    this.hasBatchRuns = size > 1 && bytes <= SMALL_BATCH_BYTES && !this.isExact;
    this.hasRuns = this.hasBatchRuns;
    if (this.hasRuns) this.runBegunMs = this.parts.clock.monotonicMs();
  }

  endBatch(): void {
    if (this.runLength > 0) this.endRun(this.parts.clock.monotonicMs());
    this.hasRuns = false;
  }

  /** The handler of a command is about to run. The result is for `end`. */
  begin(command: CompiledCommand, request: Request, client: Connection): number {
    if (client.isReplay) return UNOBSERVED;
    this.countedErrors = this.reply.errors;
    this.total++;
    const earlier = command.calls++;
    if (this.monitors !== undefined && command.showsFirst) this.monitors.show(command, request, client);
    if (command.isQuick && !isSampled(earlier)) {
      if (client.isInScript) {
        if (!this.isExact) return IN_RUN;
      } else if (this.hasRuns && (!client.isExecuting || isSmall(request))) {
        this.runLength++;
        this.lastCommand = command;
        this.lastRequest = request;
        return IN_RUN;
      }
    }
    const nowMs = this.parts.clock.monotonicMs();
    if (this.runLength > 0) this.endRun(nowMs);
    // Commands that it executes may form one.
    this.hasRuns = !this.isExact;
    this.runBegunMs = nowMs;
    return nowMs;
  }

  noteLong(): void {
    this.tookLong = true;
  }

  /** The handler has returned. */
  end(
    command: CompiledCommand,
    request: Request,
    client: Connection,
    begunMs: number,
    outcome: Outcome,
  ): void {
    if (begunMs === UNOBSERVED) return;
    const { reply } = this;
    this.countErrors(command);
    const isLong = this.tookLong;
    this.tookLong = false;
    if (begunMs === IN_RUN) {
      // The replies of a transaction count together.
      if (isLong || this.runLength >= RUN_CALLS || reply.end - reply.replyStart > SMALL_REPLY_BYTES) {
        if (this.runLength > 0) this.endRun(this.parts.clock.monotonicMs());
      }
    } else {
      const nowMs = this.parts.clock.monotonicMs();
      if (this.runLength > 0) this.endRun(nowMs);
      this.hasRuns = client.isExecuting ? !this.isExact : this.hasBatchRuns;
      this.runBegunMs = nowMs;
      if (outcome !== SUSPENDED) this.account(command, request, client, nowMs - begunMs);
      else if (client.mustRepeat) {
        // It asked for further keys, and will be executed again from the beginning.
        command.calls--;
        this.total--;
        return;
      } else {
        const handlerMs = command.canBeUnblocked ? nowMs - begunMs : undefined;
        const call = { begunMs, handlerMs, words: this.wordsOf(command, request) };
        if (client.isExecuting) client.blockedPart = call;
        else client.blockedCall = call;
      }
    }
    // EXEC that was suspended is shown when it is done.
    const isOver = outcome !== SUSPENDED || client.transaction === undefined;
    if (this.monitors !== undefined && !command.isHidden && isOver) {
      this.monitors.show(command, request, client);
    }
  }

  /** A later part of a call that had to wait begins. */
  resume(): void {
    this.countedErrors = this.reply.errors;
  }

  /** A call that had to wait is over; its last part began at `resumedMs`. */
  endBlocked(command: CompiledCommand, client: Connection, resumedMs: number): void {
    this.countErrors(command);
    const { blockedCall, blockedPart, isExecuting } = client;
    const call = isExecuting ? blockedPart : blockedCall;
    if (call === undefined) return;
    if (isExecuting) client.blockedPart = undefined;
    else client.blockedCall = undefined;
    const nowMs = this.parts.clock.monotonicMs();
    const elapsedMs =
      call.handlerMs === undefined ? nowMs - call.begunMs : call.handlerMs + nowMs - resumedMs;
    this.record(command, elapsedMs, 1);
    if (!command.isUnlogged) this.log(call.words, client, elapsedMs);
    this.parts.events.add("command-unblocking", nowMs - resumedMs);
  }

  /** A command was refused within a transaction or script, where it counts as an error of that. */
  refused(command: CompiledCommand): void {
    command.rejectedCalls++;
    this.countedErrors = this.parts.reply.errors;
  }

  /** Those of commands that it has executed are counted by then. */
  private countErrors(command: CompiledCommand): void {
    if (this.reply.errors === this.countedErrors) return;
    command.failedCalls++;
    this.countedErrors = this.reply.errors;
  }

  private endRun(nowMs: number): void {
    const elapsedMs = nowMs - this.runBegunMs;
    this.runBegunMs = nowMs;
    this.runLength = 0;
    if (elapsedMs >= LONG_MS) this.account(this.lastCommand, this.lastRequest, this.runClient, elapsedMs);
  }

  private account(command: CompiledCommand, request: Request, client: Connection, elapsedMs: number): void {
    const isQuick = command.isQuick && elapsedMs < LONG_MS;
    // Timed because it was alone in its batch; others stand for it, since recording costs more than the clock.
    if (isQuick && elapsedMs < this.noticedMs && !isSampled(command.calls - 1)) return;
    this.record(command, elapsedMs, isQuick ? command.calls - command.accountedCalls : 1);
    if (elapsedMs < this.noticedMs) return;
    this.parts.events.add(command.isFast ? "fast-command" : "command", elapsedMs);
    if (!command.isUnlogged) this.log(this.wordsOf(command, request), client, elapsedMs);
  }

  /** Counts a call that took so long `times` times. */
  private record(command: CompiledCommand, elapsedMs: number, times: number): void {
    const microseconds = elapsedMs * MICROSECONDS;
    command.accountedCalls += times;
    command.microseconds += microseconds * times;
    command.lastMicroseconds = microseconds;
    if (!this.keepsHistograms) return;
    command.histogram ??= new LatencyHistogram();
    command.histogram.record(microseconds * NANOSECONDS, times);
  }

  private wordsOf(command: CompiledCommand, request: Request): Buffer[] {
    return logWords(request, secretArguments(command.spec, request, this.parts.services.config));
  }

  private log(words: readonly Buffer[], client: Connection, elapsedMs: number): void {
    const { clock, slowLog } = this.parts;
    const caller = client.isInScript ? SCRIPT_CALLER : client;
    slowLog.add(words, caller, Math.floor(elapsedMs * MICROSECONDS), clock.nowMs);
  }
}

/** Accounts for the quick calls of which none has been timed since: they took as long as the last that was. */
export function settleCalls(command: CompiledCommand): void {
  const open = command.calls - command.accountedCalls;
  if (!command.isQuick || open <= 0) return;
  command.accountedCalls += open;
  command.microseconds += command.lastMicroseconds * open;
  command.histogram?.record(command.lastMicroseconds * NANOSECONDS, open);
}

/** Whether a call of a quick command stands for others, by how many there were before it. */
function isSampled(earlier: number): boolean {
  return earlier < TIMED_CALLS || (earlier & (TIMED_CALLS - 1)) === 0;
}

function isSmall({ argc, start, len }: Request): boolean {
  const last = argc - 1;
  return start[last] + len[last] - start[0] <= SMALL_REQUEST_BYTES;
}

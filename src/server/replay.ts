/**
 * Executes the commands of an append-only file through the dispatcher, as a client without a socket. As long as nothing
 * is cold and there is memory, each is executed where it lies; else commands are gathered by the thousand, so that the
 * cold keys they need can be read together.
 *
 * Cold keys that are replaced or deleted as a whole, and are known to exist, are not read: something empty stands for
 * them until then. That is done only where nothing before it in the batch can have to do with the key: where all keys
 * that are concerned are named, and none of them is this one.
 */
import { keysOfRequest } from "../commands/key-positions.ts";
import { restore } from "../commands/keys/dump.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { WantedKey } from "../keyspace/warmer.ts";
import type { AofReader } from "../persistence/aof/reader.ts";
import type { Executor } from "../persistence/load.ts";
import { LoadError } from "../persistence/load-error.ts";
import type { Request } from "../protocol/request.ts";
import { isDumpIntact, readDump } from "../types/dump-payload.ts";
import type { ValueMemory } from "../types/value-memory.ts";
import { Connection } from "./connection.ts";
import type { Server } from "./server.ts";
import { Statistics } from "./statistics.ts";
import type { Transport } from "./transport/transport.ts";

const BATCH_COMMANDS = 4096;
const LEAST_BATCH_COMMANDS = 8;
/** To execute a batch should not take longer: nobody is answered meanwhile. */
const BATCH_MS = 50;
const BATCH_BYTES = 8 * 1024 * 1024;
/** Commands after which each key they name is gone, or is a new one. */
const REPLACING: ReadonlySet<string> = new Set(["set", "mset", "del", "unlink"]);
/** Commands that concern keys which their key positions do not tell: in another database, or by patterns. */
const FAR_REACHING: ReadonlySet<string> = new Set(["move", "copy", "sort"]);
const NO_LIMITS = { maxBulkLength: Number.MAX_SAFE_INTEGER, queryBufferLimit: Number.MAX_SAFE_INTEGER };

/** Discards replies. */
const nowhere: Transport = {
  remoteAddress: "",
  localAddress: "",
  fileDescriptor: -1,
  pendingBytes: 0,
  send: () => true,
  pause() {},
  resume() {},
  close() {},
};

export class Replay implements Executor {
  private readonly server: Server;
  private readonly connection: Connection;
  /** Commands that may be executed where they lie. */
  private readonly plainCommands = new Set<CompiledCommand>();
  private batch: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
  private batchBytes = 0;
  private batchCommands = 0;
  /** A batch is full with so many: fewer, the longer commands take. */
  private mostCommands = 64;
  /** Keys of the batch's commands, as far as they are known without executing it. */
  private keys: WantedKey[] = [];
  /** Whether all keys that the batch concerns are among them. */
  private areKeysKnown = true;
  /** Database that the next command of the batch will work in. */
  private dbIndex = 0;
  /** Commands that were answered by an error, and the first such error. */
  private failures = 0;
  private firstFailure = "";
  private readonly end: () => void;

  constructor(server: Server) {
    this.server = server;
    this.connection = new Connection(0, nowhere, {
      ...hostOf(server),
      decoderLimits: NO_LIMITS,
      statistics: new Statistics(),
    });
    this.connection.isReplay = true;
    // Nobody reads the replies.
    this.connection.replyMode = "off";
    for (const command of server.table.all) if (isPlain(command)) this.plainCommands.add(command);
    const { dispatcher } = server;
    const countError = dispatcher.reply.onError;
    // Clients are connected meanwhile, and get errors of their own.
    dispatcher.reply.onError = (text) => {
      if (dispatcher.client !== this.connection) countError?.(text);
      else if (this.failures++ === 0) this.firstFailure = text;
    };
    this.end = () => {
      dispatcher.reply.onError = countError;
    };
  }

  get isFull(): boolean {
    return this.batchCommands >= this.mostCommands || this.batchBytes >= BATCH_BYTES / 2;
  }

  beginFile(): void {
    this.connection.dbIndex = 0;
    this.dbIndex = 0;
  }

  add(reader: AofReader): void {
    const { request } = reader;
    // They only tell which commands belong together; the reader has seen to it that all are there.
    if (reader.isInTransaction && /^(multi|exec)$/i.test(request.text(0))) return;
    const command = this.server.table.findLogged(request);
    if (command === undefined) {
      throw new LoadError(
        `Unknown command '${request.text(0)}' reading the append only file, at offset ${reader.offset}`,
      );
    }
    if (this.batchCommands === 0 && this.plainCommands.has(command) && this.canExecuteNow) {
      this.executeNow(command, request);
      return;
    }
    if (command.spec.run === restore.run) checkRestore(this.server.keyspace.memory, request, reader.offset);
    this.noteKeys(request, command, reader.namesOldKeys);
    const end = request.start[request.argc - 1] + request.len[request.argc - 1] + 2;
    const length = reader.endOffset - reader.offset;
    if (this.batchBytes + length > this.batch.length) this.grow(length);
    request.buf.copy(this.batch, this.batchBytes, end - length, end);
    this.batchBytes += length;
    this.batchCommands++;
  }

  async drain(): Promise<void> {
    if (this.batchCommands === 0) return;
    const bytes = this.batch.subarray(0, this.batchBytes);
    this.batchBytes = 0;
    this.batchCommands = 0;
    const { keys } = this;
    this.keys = [];
    this.areKeysKnown = true;
    await this.server.warmer?.fetchMany(keys);
    await this.execute(bytes);
    this.server.warmer?.removeStandIns();
    const { replayFailure } = this.connection;
    if (replayFailure !== undefined) {
      throw new LoadError(
        `A value that the append only file changes cannot be read: ${replayFailure.message}`,
      );
    }
    if (this.batch.length > 2 * BATCH_BYTES) this.batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  }

  /** The end of the last file. Says so if commands have failed: a log tells only of such as succeeded, so the data
   * differ from what they were. As Redis does, the server starts all the same. */
  reportFailures(): void {
    this.end();
    if (this.failures === 0) return;
    this.server.world.log.warning(
      `${this.failures} commands of the append only file failed when they were repeated. The first error: ${this.firstFailure}`,
    );
  }

  private async execute(commands: Buffer): Promise<void> {
    const { clock } = this.server;
    const begunMs = clock.monotonicMs();
    this.connection.onData(commands, commands.length);
    await this.connection.whenIdle();
    const elapsedMs = clock.monotonicMs() - begunMs;
    if (elapsedMs > BATCH_MS) this.mostCommands = Math.max(LEAST_BATCH_COMMANDS, this.mostCommands / 2);
    else if (elapsedMs < BATCH_MS / 4) this.mostCommands = Math.min(BATCH_COMMANDS, this.mostCommands * 2);
  }

  /** Nothing is on disk, and no gate would have a command wait for memory. */
  private get canExecuteNow(): boolean {
    const { budget, warmer } = this.server;
    return (warmer === undefined || !warmer.hasRecords) && budget.chargedBytes <= budget.spillFromBytes;
  }

  private executeNow(command: CompiledCommand, request: Request): void {
    const { connection } = this;
    const { dispatcher } = this.server;
    dispatcher.client = connection;
    dispatcher.executeQueued(command, request);
    dispatcher.reply.hasOverflowed = false;
    this.dbIndex = connection.dbIndex;
  }

  private noteKeys(request: Request, command: CompiledCommand, areOld: boolean): void {
    const { keyspace, warmer } = this.server;
    if (!this.plainCommands.has(command) || FAR_REACHING.has(command.spec.name)) this.areKeysKnown = false;
    if (warmer === undefined || !warmer.hasRecords) return;
    if (command.spec.name === "select") this.dbIndex = Number(request.text(1));
    const database = keyspace.databases[this.dbIndex];
    if (database === undefined) return;
    const needsNoValue = areOld && this.areKeysKnown && isReplacing(command, request);
    for (const { position } of keysOfRequest(command.spec, request, 0) ?? []) {
      this.keys.push({ database, key: Buffer.from(request.bytes(position)), needsNoValue });
    }
  }

  private grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.batchBytes + length, this.batch.length * 2));
    this.batch.copy(larger, 0, 0, this.batchBytes);
    this.batch = larger;
  }
}

/** Whether a command does nothing but change keys, or select a database, at once. */
function isPlain({ hasKeys, isWrite, spec }: CompiledCommand): boolean {
  if (spec.name === "select") return true;
  return isWrite && hasKeys && !spec.flags.includes("blocking") && spec.run !== restore.run;
}

/** Whether it does away with whatever its keys hold, and with their expiry. */
function isReplacing({ spec }: CompiledCommand, request: Request): boolean {
  if (!REPLACING.has(spec.name)) return false;
  return spec.name !== "set" || request.argc === 3 || (request.argc === 5 && /^pxat$/i.test(request.text(3)));
}

/** A RESTORE that fails would leave out a whole key without a word: stock Redis writes values of types unknown here. */
function checkRestore(memory: ValueMemory, request: Request, offset: number): void {
  if (request.argc > 3) {
    const payload = request.bytes(3);
    if (isDumpIntact(payload) && readDump(memory, payload) !== undefined) return;
  }
  throw new LoadError(
    `The value that RESTORE gives to the key '${request.text(1)}' is damaged, or of a type that is not known here, reading the` +
      ` append only file, at offset ${offset}`,
  );
}

function hostOf(server: Server) {
  return {
    clock: server.clock,
    // Also while all data is being replaced, and nobody else is served.
    run: (connection: Connection) => server.dispatcher.run(connection),
    closed: () => {},
  };
}

/**
 * What a client has queued since MULTI: copies of its requests, which outlive the buffers they came in.
 *
 * Copies lie one after the other in blocks. A transaction that is done is used again for the next (`clear`), so that
 * one of usual size allocates nothing.
 */
import { copyBytes, withView } from "../base/byte-copy.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { Request } from "../protocol/request.ts";

/** What a queued command costs besides its arguments' bytes: its request, and its places in the lists. */
const COMMAND_BYTES = 320;
/** Offset and length of an argument. */
const ARGUMENT_BYTES = 8;
/** The first block; each further one is twice as large, up to the largest. A larger request has a block of its own. */
const FIRST_BLOCK_BYTES = 2048;
const LARGEST_BLOCK_BYTES = 64 * 1024;
/** Requests that are kept for the next transaction. */
const KEPT_REQUESTS = 64;

export class Transaction {
  readonly commands: CompiledCommand[] = [];
  /** Those of the commands, and perhaps more that are kept. */
  readonly requests: Request[] = [];
  /** A command could not be queued: EXEC will fail. */
  hasErrors = false;
  /** Whether any of the commands writes, or may need memory. */
  isWrite = false;
  denyOom = false;
  /** Whether any of them walks over keys. */
  hasWalks = false;
  /** Memory that the queue takes. */
  bytes = 0;
  private block = newBlock(FIRST_BLOCK_BYTES);
  private blockEnd = 0;

  add(command: CompiledCommand, request: Request): void {
    const place = this.commands.length;
    if (place === this.requests.length) this.requests.push(new Request());
    const length = this.copy(request, this.requests[place]);
    this.commands.push(command);
    this.isWrite ||= command.isWrite;
    this.denyOom ||= command.denyOom;
    this.hasWalks ||= command.spec.walkOf !== undefined;
    this.bytes += length + request.argc * ARGUMENT_BYTES + COMMAND_BYTES;
  }

  /** Forgets everything. What was queued must not be looked at any more. */
  clear(): void {
    this.commands.length = 0;
    if (this.requests.length > KEPT_REQUESTS) this.requests.length = KEPT_REQUESTS;
    this.hasErrors = false;
    this.isWrite = false;
    this.denyOom = false;
    this.hasWalks = false;
    this.bytes = 0;
    if (this.block.length > FIRST_BLOCK_BYTES) this.block = newBlock(FIRST_BLOCK_BYTES);
    this.blockEnd = 0;
  }

  /** Copies a request; the bytes of its arguments. */
  private copy(request: Request, copy: Request): number {
    const { argc, argumentBytes: length, buf, len, start } = request;
    copy.reserve(argc);
    copy.argc = argc;
    let position = this.makeRoom(length, copy);
    for (let i = 0; i < argc; i++) {
      copyBytes(buf, start[i], copy.buf, position, len[i]);
      copy.start[i] = position;
      copy.len[i] = len[i];
      position += len[i];
    }
    return length;
  }

  /** Gives `copy` a buffer with room for its arguments; where in it that begins. */
  private makeRoom(length: number, copy: Request): number {
    if (length > LARGEST_BLOCK_BYTES / 2) {
      copy.buf = newBlock(length);
      return 0;
    }
    if (this.block.length - this.blockEnd < length) {
      this.block = newBlock(Math.min(LARGEST_BLOCK_BYTES, 2 * Math.max(this.block.length, length)));
      this.blockEnd = 0;
    }
    const position = this.blockEnd;
    this.blockEnd += length;
    copy.buf = this.block;
    return position;
  }
}

function newBlock(sizeBytes: number): Buffer {
  return withView(Buffer.allocUnsafeSlow(sizeBytes));
}

/**
 * What a client has queued since MULTI: copies of its requests, which outlive the buffers they came in.
 */
import type { CompiledCommand } from "../commands/table.ts";
import { Request } from "../protocol/request.ts";

/** What a queued command costs besides its arguments' bytes: its request, and its places in the lists. */
const COMMAND_BYTES = 320;
/** Offset and length of an argument. */
const ARGUMENT_BYTES = 8;

export class Transaction {
  readonly commands: CompiledCommand[] = [];
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

  add(command: CompiledCommand, request: Request): void {
    const copy = copyOf(request);
    this.commands.push(command);
    this.requests.push(copy);
    this.isWrite ||= command.isWrite;
    this.denyOom ||= command.denyOom;
    this.hasWalks ||= command.spec.walkOf !== undefined;
    this.bytes += copy.buf.length + copy.argc * ARGUMENT_BYTES + COMMAND_BYTES;
  }
}

function copyOf(request: Request): Request {
  const { argc, buf, start, len } = request;
  const copy = new Request();
  copy.reserve(argc);
  let length = 0;
  for (let i = 0; i < argc; i++) length += len[i];
  copy.buf = Buffer.allocUnsafeSlow(length);
  copy.argc = argc;
  for (let i = 0, position = 0; i < argc; i++) {
    buf.copy(copy.buf, position, start[i], start[i] + len[i]);
    copy.start[i] = position;
    copy.len[i] = len[i];
    position += len[i];
  }
  return copy;
}

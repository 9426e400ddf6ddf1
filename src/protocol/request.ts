/**
 * One decoded request: where each argument lies in a buffer. Nothing is copied, so a request is valid only until
 * the bytes under it move: within the synchronous handling of one command.
 *
 * The fields are public and plain because command handlers read them in the hot path.
 */
const INITIAL_ARGUMENTS = 16;
const EMPTY = Buffer.alloc(0);

export class Request {
  /** The buffer that holds the arguments. */
  buf: Buffer = EMPTY;
  /** Number of arguments, the command's name included. */
  argc = 0;
  /** Offset in `buf` of argument i. */
  start: Int32Array = new Int32Array(INITIAL_ARGUMENTS);
  /** Length in bytes of argument i. */
  len: Int32Array = new Int32Array(INITIAL_ARGUMENTS);

  /** Bytes of all arguments. */
  get argumentBytes(): number {
    const { argc, len } = this;
    let bytes = 0;
    for (let i = 0; i < argc; i++) bytes += len[i];
    return bytes;
  }

  /** Makes room for `argc` arguments, keeping those already there. */
  reserve(argc: number): void {
    if (argc <= this.start.length) return;
    let capacity = this.start.length;
    while (capacity < argc) capacity *= 2;
    const start = new Int32Array(capacity);
    start.set(this.start);
    this.start = start;
    const len = new Int32Array(capacity);
    len.set(this.len);
    this.len = len;
  }

  /** Argument i as a view on `buf`. Allocates: not for the hot path. */
  bytes(i: number): Buffer {
    return this.buf.subarray(this.start[i], this.start[i] + this.len[i]);
  }

  /** Argument i as text, one character per byte: for names, options and error texts. */
  text(i: number): string {
    return this.buf.toString("latin1", this.start[i], this.start[i] + this.len[i]);
  }

  /** A request made of separate arguments, for callers that are not a socket (tests, embedded use). */
  static of(...args: (string | Uint8Array)[]): Request {
    const request = new Request();
    request.hold(args.map((arg) => (typeof arg === "string" ? Buffer.from(arg) : arg)));
    return request;
  }

  /** Makes these its arguments, in a buffer of its own. */
  hold(args: readonly Uint8Array[]): void {
    this.reserve(args.length);
    this.buf = Buffer.concat(args);
    let position = 0;
    for (let i = 0; i < args.length; i++) {
      this.start[i] = position;
      this.len[i] = args[i].length;
      position += args[i].length;
    }
    this.argc = args.length;
  }
}

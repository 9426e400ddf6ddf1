/** Writes a new file from front to back, in large pieces. Remove it (`discard`) if it is not finished. */
import { type FileHandle, type Files, writeFully } from "../../src/base/files.ts";
import { folderOf } from "./copies.ts";

const BUFFER_BYTES = 1 << 20;

/** Takes bytes one after the other. */
export interface ByteWriter {
  /** Bytes given so far. */
  readonly position: number;
  /** The bytes are the caller's again when this resolves. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Writes to a stream, as fast as that takes it. */
export class StreamWriter implements ByteWriter {
  position = 0;
  readonly #stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.position += bytes.length;
    await new Promise<void>((resolve, reject) => {
      // A stream may keep what it was given for longer than until it asks for more.
      this.#stream.write(Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
    });
  }
}

export class FileWriter implements ByteWriter {
  readonly path: string;
  readonly #files: Files;
  readonly #file: FileHandle;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #held = 0;
  #written = 0;

  private constructor(files: Files, path: string, file: FileHandle) {
    this.#files = files;
    this.path = path;
    this.#file = file;
  }

  /** An existing file is emptied. */
  static async create(files: Files, path: string): Promise<FileWriter> {
    return new FileWriter(files, path, await files.open(path, "create"));
  }

  /** Bytes given so far. */
  get position(): number {
    return this.#written + this.#held;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > BUFFER_BYTES - this.#held) await this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      await this.#named(writeFully(this.#file, bytes, this.#written));
      this.#written += bytes.length;
      return;
    }
    this.#buffer.set(bytes, this.#held);
    this.#held += bytes.length;
  }

  /** Makes the file durable and closes it. Its name is durable too. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#named(this.#file.datasync());
    await this.#file.close();
    await this.#files.syncDirectory(folderOf(this.path));
  }

  /** Closes and removes the file. Never fails. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#files.unlink(this.path).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    if (this.#held === 0) return;
    await this.#named(writeFully(this.#file, this.#buffer.subarray(0, this.#held), this.#written));
    this.#written += this.#held;
    this.#held = 0;
  }

  /** The system does not say which file it is that cannot be written. */
  async #named(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw error instanceof Error ? Object.assign(error, { path: this.path }) : error;
    }
  }
}

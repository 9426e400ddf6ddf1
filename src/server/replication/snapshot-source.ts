/**
 * The file that holds a snapshot for replicas, after its making: opened once, read by all that are to get it, each at
 * its own pace. It no longer has a name: whatever happens, nothing of it stays on the disk.
 */
import type { FileHandle, Files } from "../../base/files.ts";

export class SnapshotSource {
  readonly sizeBytes: number;
  private readonly file: FileHandle;
  private readers = 0;

  private constructor(file: FileHandle, sizeBytes: number) {
    this.file = file;
    this.sizeBytes = sizeBytes;
  }

  /** Opens the file, and takes its name away. */
  static async open(files: Files, path: string): Promise<SnapshotSource> {
    const file = await files.open(path, "read");
    try {
      const size = await file.size();
      await files.unlink(path);
      return new SnapshotSource(file, size);
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }

  /** Somebody will read it, and `release` it. */
  hold(): void {
    this.readers++;
  }

  /** When the last one has, it is gone. */
  release(): void {
    if (--this.readers > 0) return;
    // Nothing was written to it: there is nothing to lose.
    this.file.close().catch(() => undefined);
  }

  /** As FileHandle.read. */
  read(target: Uint8Array, position: number): Promise<number> {
    return this.file.read(target, position);
  }
}

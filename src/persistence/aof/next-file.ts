/**
 * The incr file in which the log goes on after the next cut. It can be made, and listed in the manifest, in advance:
 * that takes several syncs, and done at the cut, all replies would wait for them.
 *
 * Until the cut it is the last file of the manifest and empty, while the one before is still written to. So it is the
 * last file *with commands* that may end badly after a crash, and all readers go by that.
 */
import type { AofDirectory, OpenIncr } from "./directory.ts";

/** What is needed of the directory. */
export type IncrFiles = Pick<AofDirectory, "createIncr" | "listIncr" | "discardIncr">;

export class NextFile {
  private readonly directory: IncrFiles;
  private ready: OpenIncr | undefined;
  private making: Promise<void> | undefined;
  /** Counts how often `pass` was called. */
  private passed = 0;

  constructor(directory: IncrFiles) {
    this.directory = directory;
  }

  /** Makes the file, unless it is there or about to be. Rejects with the system's error. */
  prepare(): Promise<void> {
    if (this.ready !== undefined) return Promise.resolve();
    this.making ??= this.make().finally(() => {
      this.making = undefined;
    });
    return this.making;
  }

  /** The file, of which the caller is the owner from now on. Rejects if it was not prepared and cannot be made. */
  async take(): Promise<OpenIncr> {
    for (;;) {
      const { ready } = this;
      this.ready = undefined;
      if (ready !== undefined) return ready;
      await this.prepare();
    }
  }

  /** The log goes on in a file with a higher number, or ends: what was prepared stays empty. */
  pass(): void {
    this.passed++;
    void this.ready?.handle.close().catch(() => undefined);
    this.ready = undefined;
  }

  private async make(): Promise<void> {
    const { directory, passed } = this;
    const next = await directory.createIncr();
    // The manifest names files in the order of their numbers: after the one with a higher number it is too late.
    if (this.passed !== passed) return directory.discardIncr(next);
    try {
      await directory.listIncr(next);
    } catch (error) {
      await directory.discardIncr(next);
      throw error;
    }
    if (this.passed === passed) this.ready = next;
    else await next.handle.close().catch(() => undefined);
  }
}

/**
 * Sees to it that the append-only file that is written still lies where a start would look for it, and is whole. Who
 * removes or replaces it (or its folder) does not disturb the process that has it open: all it writes would go
 * nowhere, and every answer would be an empty promise. Who cuts it (`> file`, logrotate with copytruncate) leaves a gap
 * of zeros where the process goes on writing. Looked at once a second, after a rewrite and before the server ends;
 * what was promised within that second is in memory still, and a rewrite writes all of that anew.
 */
import type { Files } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import type { AofFiles } from "./aof-state.ts";

/** All that is ever written up to the end of a block ends with it; a gap does not. */
const LINE_FEED = 0x0a;

/** What is wrong with the file: it is not there, or is another one; or it has lost bytes. */
type Harm = "removed or replaced" | "cut";

export class LogPresence {
  /** The file that is not as it should be, and why; undefined while all is well. */
  private lost: { readonly name: string; readonly sequence: number; readonly harm: Harm } | undefined;
  /** How far which file was written at the last look. */
  private seen = { sequence: 0, end: 0 };
  private readonly files: Files;
  private readonly log: Log;
  private looking: Promise<void> | undefined;

  constructor(files: Files, log: Log) {
    this.files = files;
    this.log = log;
  }

  /** Why what is written would be lost; undefined while all is well. */
  get lostText(): string | undefined {
    return this.lost === undefined ? undefined : `${this.lost.name} was ${this.lost.harm}`;
  }

  /** Only a rewrite can help. */
  get isCut(): boolean {
    return this.lost?.harm === "cut";
  }

  /** Looks, or waits for the look that has not ended yet. */
  look(aof: AofFiles | undefined): Promise<void> {
    this.looking ??= this.compare(aof).finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async compare(aof: AofFiles | undefined): Promise<void> {
    if (aof === undefined) {
      this.lost = undefined;
      return;
    }
    const { directory, writer } = aof;
    const isListed = (sequence: number): boolean =>
      directory.manifest.incr.some((file) => file.sequence === sequence);
    const { name, sequence } = writer.current;
    // A rewrite goes on in the next file at once, but until it has ended a start needs the one before.
    const isFinal = this.isCut || this.lost?.sequence !== sequence;
    if (this.lost !== undefined && isFinal && isListed(this.lost.sequence)) return;
    if (!isListed(sequence)) return;
    let harm: Harm | undefined;
    try {
      harm = await this.harmOf(aof, directory.pathOf(name));
    } catch {
      // Whether it is there cannot be told now.
      return;
    }
    // Meanwhile the log may go on in the next file.
    if (writer.current.sequence !== sequence) return;
    if (harm !== this.lost?.harm) this.tell(name, harm);
    this.lost = harm === undefined ? undefined : { name, sequence, harm };
  }

  /** What is wrong with the file that is written, which should be at `path`. Rejects if that cannot be told. */
  private async harmOf({ writer }: AofFiles, path: string): Promise<Harm | undefined> {
    const { current } = writer;
    const { sequence, end } = current;
    const found = await this.files.stat(path);
    if (found === undefined) return "removed or replaced";
    if (found.size < end) return (await current.size()) < end ? "cut" : "removed or replaced";
    // What was written since the last look may have filled a cut file up to its size again.
    const seenEnd = sequence === this.seen.sequence ? this.seen.end : current.start;
    if (end > seenEnd && seenEnd > 0 && !(await this.isWritten(path, seenEnd))) return "cut";
    this.seen = { sequence, end };
    return undefined;
  }

  /** Whether the bytes before `end`, where a block once ended, are still those of a block. */
  private async isWritten(path: string, end: number): Promise<boolean> {
    const file = await this.files.open(path, "read");
    try {
      const byte = Buffer.alloc(1);
      return (await file.read(byte, end - 1)) === 1 && byte[0] === LINE_FEED;
    } finally {
      await file.close();
    }
  }

  private tell(name: string, harm: Harm | undefined): void {
    if (harm === undefined) {
      this.log.notice(`The append-only file ${name} is where it should be: writes are accepted`);
    } else if (harm === "cut") {
      this.log.warning(
        `The append-only file ${name} was cut by somebody else while it was written: a part of it is missing. ` +
          "Writes are refused until a rewrite, which begins now, has written all data anew",
      );
    } else {
      this.log.warning(
        `The append-only file ${name} is not in its folder any more, or not as it was: it was removed or replaced. ` +
          "Writes are refused. Put it back, or have BGREWRITEAOF write all data anew",
      );
    }
  }
}

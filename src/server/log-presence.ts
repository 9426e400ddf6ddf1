/**
 * Sees to it that the append-only file that is written still lies where a start would look for it. Who removes or
 * replaces it (or its folder) does not disturb the process that has it open: all it writes would go
 * nowhere, and every answer would be an empty promise. Looked at once a second; what was promised within that second
 * is in memory still, and a rewrite writes all of that anew.
 */
import type { FileInfo, Files } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import type { AofFiles } from "./aof-state.ts";

export class LogPresence {
  /** Why what is written would be lost; undefined while all is well. */
  lostText: string | undefined;
  private readonly files: Files;
  private readonly log: Log;
  private isLooking = false;

  constructor(files: Files, log: Log) {
    this.files = files;
    this.log = log;
  }

  /** Looks; does nothing while the last look has not ended. */
  look(aof: AofFiles | undefined): void {
    if (this.isLooking) return;
    this.isLooking = true;
    void this.compare(aof).finally(() => {
      this.isLooking = false;
    });
  }

  private async compare(aof: AofFiles | undefined): Promise<void> {
    if (aof === undefined) {
      this.lostText = undefined;
      return;
    }
    const { directory, writer } = aof;
    const { fileBytes, fileSequence } = writer;
    const fileName = directory.manifest.incr.find(({ sequence }) => sequence === fileSequence)?.name;
    if (fileName === undefined) return;
    let found: FileInfo | undefined;
    try {
      found = await this.files.stat(directory.pathOf(fileName));
    } catch {
      // Whether it is there cannot be told now.
      return;
    }
    // Meanwhile the log may go on in the next file.
    if (writer.fileSequence !== fileSequence) return;
    const isThere = found !== undefined && found.size >= fileBytes;
    if (isThere && this.lostText !== undefined)
      this.log.notice(`The append-only file ${fileName} is where it should be: writes are accepted`);
    if (!isThere && this.lostText === undefined) {
      this.log.warning(
        `The append-only file ${fileName} is not in its folder any more, or not as it was: it was removed or replaced. ` +
          "Writes are refused. Put it back, or have BGREWRITEAOF write all data anew",
      );
    }
    this.lostText = isThere ? undefined : `${fileName} was removed or replaced`;
  }
}

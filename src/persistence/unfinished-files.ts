/**
 * What saves and rewrites have left unfinished because their process died: as large as all data, one after each death.
 */
import type { Files } from "../base/files.ts";

/** As Redis calls dumps and base files in the making; and what was made for replicas, before it was sent. */
const UNFINISHED_NAME = /^temp-(?:(?:sync-)?(\d+)\.rdb|rewriteaof-bg-(\d+)\.aof)$/;

/** Removes such files from a folder, if there is one; those of another server in the same folder, which lives, stay. */
export async function removeUnfinishedFiles(
  files: Files,
  folder: string,
  isAlive: (processId: number) => boolean,
): Promise<void> {
  if ((await files.stat(folder)) === undefined) return;
  for (const name of await files.readdir(folder)) {
    const [, dump, base] = UNFINISHED_NAME.exec(name) ?? [];
    const processId = dump ?? base;
    if (processId !== undefined && !isAlive(Number(processId))) await files.unlink(`${folder}/${name}`);
  }
}

/** A file in memory, for tests of readers: they only read. */
import type { FileHandle } from "../../src/base/files.ts";

export function memoryFile(content: Uint8Array): FileHandle {
  const refuse = (): Promise<never> => Promise.reject(new Error("a reader must not write"));
  return {
    async read(target, position) {
      const part = content.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
    write: refuse,
    writeSync() {
      throw new Error("a reader must not write");
    },
    datasync: refuse,
    truncate: refuse,
    async size() {
      return content.length;
    },
    async close() {},
  };
}

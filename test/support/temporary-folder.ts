/**
 * Folders for tests that need a real disk.
 */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder below the system's temporary one; its real path. */
export function temporaryFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "tsredis-test-")));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * The unix socket: a file through which clients on the same machine connect. Whatever is at its path when the server
 * starts is replaced, as in Redis; when the server ends, the file goes.
 */
import { chmodSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:net";
import { dirname } from "node:path";
import type { Door } from "./door.ts";

export interface UnixSocketOptions {
  readonly path: string;
  /** Permissions of the file; 0 leaves those that the system gives. */
  readonly permissions: number;
  readonly backlog: number;
}

/** Room for a path, with a zero byte behind it, in the address of a unix socket (Linux). */
const ADDRESS_BYTES = 108;

/** Listens; rejects with the system's error, or one that says what is wrong with the path. */
export async function listenOnUnixSocket(door: Door, options: UnixSocketOptions): Promise<Server> {
  const { backlog, path, permissions } = options;
  const length = Buffer.byteLength(path);
  // Node would listen at the path that fits, which nobody knows.
  if (length >= ADDRESS_BYTES) {
    throw new Error(`unix socket path too long (${length}), must be under ${ADDRESS_BYTES}`);
  }
  // Node calls a missing folder a lack of permission.
  statSync(dirname(path));
  rmSync(path, { force: true });
  const server = door.create();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  if (permissions !== 0) chmodSync(path, permissions);
  door.opened(server);
  return server;
}

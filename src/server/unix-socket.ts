/**
 * The unix socket: a file through which clients on the same machine connect. Whatever is at its path when the server
 * starts is replaced, as in Redis; when the server ends, the file goes.
 */
import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import type { Door } from "./door.ts";

export interface UnixSocketOptions {
  readonly path: string;
  /** Permissions of the file; 0 leaves those that the system gives. */
  readonly permissions: number;
  readonly backlog: number;
}

/** Listens; rejects with the system's error. */
export async function listenOnUnixSocket(door: Door, options: UnixSocketOptions): Promise<Server> {
  const { backlog, path, permissions } = options;
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

/**
 * What an idle connection costs: many are opened, each asks for something once, and then nothing more is heard of them.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { memoryUse } from "../support/process-statistics.ts";
import type { ServerProcess } from "../support/server-process.ts";

export const CONNECTIONS = 10_000;
/** Wanted of tsredis: bytes of resident memory for each, at most. */
export const MOST_BYTES_EACH = 20 * 1024;
/** Connections that are opened at a time: fewer than wait for being accepted (tcp-backlog). */
const AT_ONCE = 100;
/** Collectors and allocators get this long to settle before memory is read. */
const SETTLE_MS = 5000;

/** By how many bytes a server's resident memory grows with the connections. */
export async function growByConnections({ pid, port }: ServerProcess): Promise<number> {
  const sockets: Socket[] = [];
  const before = memoryUse(pid).residentBytes;
  try {
    while (sockets.length < CONNECTIONS) {
      sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => open(port)))));
    }
    await sleep(SETTLE_MS);
    return memoryUse(pid).residentBytes - before;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("data", () => resolve(socket));
    socket.write("PING\r\n");
  });
}

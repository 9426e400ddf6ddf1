/**
 * What becomes of connections at a listening socket: the fast way of Node's own handles where there is one, net.Socket
 * where there is not, or TLS.
 */
import net from "node:net";
import { acceptFast, fastTcpAvailable } from "./transport/fast-tcp.ts";
import { acceptPlain } from "./transport/plain-socket.ts";
import type { Acceptor } from "./transport/transport.ts";

export interface Door {
  /** A server that takes connections once it listens. */
  create(): net.Server;
  /** The server listens now. */
  opened(server: net.Server): void;
}

/** Connections without encryption. `name` is the address that all of them have, if they have none of their own. */
export function plainDoor(keepAliveSeconds: () => number, acceptor: Acceptor, name?: string): Door {
  return {
    create: () =>
      net.createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) =>
        acceptPlain(socket, keepAliveSeconds, acceptor, name),
      ),
    opened(server) {
      if (fastTcpAvailable(server)) acceptFast(server, keepAliveSeconds, acceptor, name);
    },
  };
}

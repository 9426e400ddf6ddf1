/**
 * Listens on the configured addresses and hands connections to the server: the fast way where Node offers it, through
 * net.Socket where it does not.
 */
import net from "node:net";
import { acceptFast, fastTcpAvailable } from "./transport/fast-tcp.ts";
import { acceptPlain } from "./transport/plain-socket.ts";
import type { Acceptor } from "./transport/transport.ts";

export interface ListenOptions {
  readonly port: number;
  /** Addresses as in `bind`; one that begins with "-" may be missing, "*" and "::*" are all of IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly backlog: number;
  readonly keepAliveSeconds: () => number;
  readonly acceptor: Acceptor;
}

export class Listener {
  private readonly servers: net.Server[] = [];
  /** The port in use: the configured one, or the one that the system chose for 0. */
  port = 0;

  /** Rejects with the system's error if a required address cannot be listened on. */
  async listen(options: ListenOptions): Promise<void> {
    this.port = options.port;
    for (const address of options.addresses) {
      const isOptional = address.startsWith("-");
      try {
        await this.listenOn(isOptional ? address.slice(1) : address, options);
      } catch (error) {
        if (!isOptional) {
          await this.close();
          throw error;
        }
      }
    }
    if (this.servers.length === 0) throw new Error("none of the configured addresses can be listened on");
  }

  /** Accepts no more connections; those there are stay. */
  async close(): Promise<void> {
    for (const server of this.servers.splice(0)) {
      // The callback of close waits for connections too; the socket itself is closed at once.
      server.close();
    }
  }

  private async listenOn(address: string, options: ListenOptions): Promise<void> {
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) =>
      acceptPlain(socket, options.keepAliveSeconds, options.acceptor),
    );
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: this.port, backlog: options.backlog, ...hostOf(address) }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    });
    this.port = (server.address() as net.AddressInfo).port;
    if (fastTcpAvailable(server)) acceptFast(server, options.keepAliveSeconds, options.acceptor);
    this.servers.push(server);
  }
}

function hostOf(address: string): { host: string; ipv6Only?: boolean } {
  if (address === "*") return { host: "0.0.0.0" };
  if (address === "::*") return { host: "::", ipv6Only: true };
  return address.includes(":") ? { host: address, ipv6Only: true } : { host: address };
}

/**
 * Listens on the configured addresses. While it runs it can move to other addresses or another port: if that is not
 * possible, it goes on where it was. Connections that there are stay in any case.
 */
import type net from "node:net";
import type { Door } from "./door.ts";

export interface ListenOptions {
  /** 0: listens on nothing. */
  readonly port: number;
  /** Addresses as in `bind`; one that begins with "-" may be missing, "*" and "::*" are all of IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly backlog: number;
  readonly door: Door;
}

export class Listener {
  private servers: net.Server[] = [];
  private options: ListenOptions | undefined;
  private turn: Promise<void> = Promise.resolve();

  /** Listens as `options` say, and no longer as before. Rejects with the system's error if a required address cannot
   * be listened on: then nothing has changed. */
  listen(options: ListenOptions): Promise<void> {
    const result = this.turn.then(() => this.change(options));
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** Accepts no more connections; those there are stay. */
  close(): void {
    // The callback of close waits for connections too; the socket itself is closed at once.
    for (const server of this.servers.splice(0)) server.close();
  }

  private async change(options: ListenOptions): Promise<void> {
    const before = this.options;
    if (before !== undefined && isSamePlace(before, options)) return;
    // On the same port, old and new addresses may exclude each other ("*" and "127.0.0.1").
    const mustCloseFirst = before?.port === options.port;
    if (mustCloseFirst) this.close();
    let servers: net.Server[];
    try {
      servers = await openAll(options);
    } catch (error) {
      if (mustCloseFirst) this.servers = await openAll(before);
      throw error;
    }
    this.close();
    this.servers = servers;
    this.options = options;
  }
}

function isSamePlace(a: ListenOptions, b: ListenOptions): boolean {
  return a.port === b.port && a.addresses.join(" ") === b.addresses.join(" ");
}

/** Listens on all addresses, or on none of them. */
async function openAll(options: ListenOptions): Promise<net.Server[]> {
  const servers: net.Server[] = [];
  if (options.port === 0 || options.addresses.length === 0) return servers;
  try {
    for (const address of options.addresses) {
      const isOptional = address.startsWith("-");
      const server = await open(isOptional ? address.slice(1) : address, options).catch((error: unknown) => {
        if (!isOptional) throw error;
      });
      if (server !== undefined) servers.push(server);
    }
    if (servers.length === 0) throw new Error("none of the configured addresses can be listened on");
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return servers;
}

async function open(address: string, options: ListenOptions): Promise<net.Server> {
  const { backlog, door, port } = options;
  const server = door.create();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, backlog, ...hostOf(address) }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  door.opened(server);
  return server;
}

function hostOf(address: string): { host: string; ipv6Only?: boolean } {
  if (address === "*") return { host: "0.0.0.0" };
  if (address === "::*") return { host: "::", ipv6Only: true };
  return address.includes(":") ? { host: address, ipv6Only: true } : { host: address };
}

/**
 * All ways in: the port, the port with TLS, the unix socket. Owns their listening sockets, and moves them as CONFIG SET
 * asks.
 */
import type { Server as NetServer } from "node:net";
import { errorText } from "../persistence/aof/error-text.ts";
import type { Config } from "./config/config.ts";
import { plainDoor } from "./door.ts";
import { Listener } from "./listener.ts";
import type { Server } from "./server.ts";
import { TlsDoor } from "./transport/tls-door.ts";
import type { Acceptor } from "./transport/transport.ts";
import { listenOnUnixSocket } from "./unix-socket.ts";

/** Directives after whose change TLS is set up anew. */
const TLS_DIRECTIVES = [
  "tls-cert-file",
  "tls-key-file",
  "tls-key-file-pass",
  "tls-ca-cert-file",
  "tls-ca-cert-dir",
  "tls-dh-params-file",
  "tls-auth-clients",
  "tls-protocols",
  "tls-ciphers",
  "tls-ciphersuites",
  "tls-prefer-server-ciphers",
  "tls-session-caching",
  "tls-session-cache-size",
  "tls-session-cache-timeout",
] as const;

export class Entrances {
  private readonly server: Server;
  private readonly config: Config;
  private readonly tcp = new Listener();
  private readonly tls = new Listener();
  private readonly tlsDoor: TlsDoor;
  private readonly keepAliveSeconds: () => number;
  private readonly acceptor: Acceptor;
  private unix: NetServer | undefined;

  constructor(server: Server) {
    const { config, world } = server;
    this.server = server;
    this.config = config;
    this.keepAliveSeconds = () => config.values["tcp-keepalive"];
    this.acceptor = (transport) => server.accept(transport);
    this.tlsDoor = new TlsDoor({
      settings: config.values,
      resolve: (path) => config.resolve(path),
      keepAliveSeconds: this.keepAliveSeconds,
      acceptor: this.acceptor,
      log: world.log,
    });
    config.onChange(TLS_DIRECTIVES, () => {
      if (config.values["tls-port"] !== 0) this.configureAnew();
    });
    config.onChange("tls-port", () => {
      if (!this.tlsDoor.isConfigured) this.configureAnew();
    });
  }

  /** Opens all that the configuration names. Throws an error that says which of them is not possible. */
  async open(): Promise<void> {
    const { bind, port, unixsocket, "tls-port": tlsPort } = this.config.values;
    const hasPort = bind.length > 0 && (port !== 0 || tlsPort !== 0);
    if (!hasPort && unixsocket === "") {
      throw new Error("Configured to not listen anywhere, exiting.");
    }
    if (tlsPort !== 0) {
      try {
        this.tlsDoor.configure();
      } catch (error) {
        throw new Error(`Failed to configure TLS: ${errorText(error)}`, { cause: error });
      }
    }
    await this.listenOnPort(`Failed listening on port ${port} (TCP)`);
    await this.listenOnTlsPort(`Failed listening on port ${tlsPort} (TLS)`);
    if (unixsocket !== "") await this.listenOnUnixSocket(unixsocket);
    this.server.listen = () => this.move();
  }

  close(): void {
    this.tcp.close();
    this.tls.close();
    // Node removes the socket's file.
    this.unix?.close();
  }

  /** What the log says of where clients can connect. */
  describe(): string {
    const { bind, port, unixsocket, "tls-port": tlsPort } = this.config.values;
    const host = bind[0] ?? "no address";
    const places: string[] = [];
    if (port !== 0) places.push(`${host}:${port}`);
    if (tlsPort !== 0) places.push(`${host}:${tlsPort} (TLS)`);
    if (unixsocket !== "") places.push(unixsocket);
    return places.join(", ");
  }

  /** The one that is to be closed first: the other may take its port. */
  private async move(): Promise<void> {
    if (this.config.values["tls-port"] === 0) await this.listenOnTlsPort();
    await this.listenOnPort();
    await this.listenOnTlsPort();
  }

  private async listenOnPort(failure?: string): Promise<void> {
    const { bind, port, "tcp-backlog": backlog } = this.config.values;
    const door = plainDoor(this.keepAliveSeconds, this.acceptor);
    await explained(this.tcp.listen({ port, addresses: bind, backlog, door }), failure);
  }

  private async listenOnTlsPort(failure?: string): Promise<void> {
    const { bind, "tls-port": port, "tcp-backlog": backlog } = this.config.values;
    await explained(this.tls.listen({ port, addresses: bind, backlog, door: this.tlsDoor }), failure);
  }

  private async listenOnUnixSocket(path: string): Promise<void> {
    const { unixsocketperm: permissions, "tcp-backlog": backlog } = this.config.values;
    const door = plainDoor(this.keepAliveSeconds, this.acceptor, `${path}:0`);
    const opening = listenOnUnixSocket(door, { path: this.config.resolve(path), permissions, backlog });
    this.unix = await explained(opening, "Failed opening Unix socket");
  }

  private configureAnew(): void {
    try {
      this.tlsDoor.configure();
    } catch (error) {
      this.server.world.log.warning(errorText(error));
      throw new Error("Unable to update TLS configuration. Check server logs.", { cause: error });
    }
  }
}

/** The same, but that its error begins with what has failed. */
async function explained<T>(work: Promise<T>, failure: string | undefined): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (failure === undefined) throw error;
    throw new Error(`${failure}: ${errorText(error)}`, { cause: error });
  }
}

/**
 * Connections with TLS: sockets that were accepted are handed to a server of Node's that does not listen itself, so
 * that another certificate takes its place without a connection or a port noticing.
 */
import net from "node:net";
import { createSecureContext, createServer, type Server, type TLSSocket } from "node:tls";
import type { Log } from "../../base/log.ts";
import type { Door } from "../door.ts";
import { acceptPlain } from "./plain-socket.ts";
import { TlsError, type TlsSettings, tlsOptions } from "./tls-settings.ts";
import { type Acceptor, addressText } from "./transport.ts";

export interface TlsDoorParts {
  readonly settings: TlsSettings & { readonly "tls-session-cache-size": number };
  readonly resolve: (path: string) => string;
  readonly keepAliveSeconds: () => number;
  readonly acceptor: Acceptor;
  readonly log: Log;
}

export class TlsDoor implements Door {
  private readonly parts: TlsDoorParts;
  private handshakes: Server | undefined;

  constructor(parts: TlsDoorParts) {
    this.parts = parts;
  }

  get isConfigured(): boolean {
    return this.handshakes !== undefined;
  }

  /** From now on connections are greeted as the settings say; their files are read now. Throws TlsError; then all is
   * as before. */
  configure(): void {
    const { settings, resolve, acceptor, keepAliveSeconds } = this.parts;
    const options = tlsOptions(settings, resolve);
    try {
      createSecureContext(options);
    } catch (error) {
      throw new TlsError(`Failed to configure TLS: ${(error as Error).message}`);
    }
    const asksClients = settings["tls-auth-clients"] !== "no";
    const isOptional = settings["tls-auth-clients"] === "optional";
    const handshakes = createServer({
      ...options,
      allowHalfOpen: true,
      requestCert: asksClients,
      rejectUnauthorized: asksClients && !isOptional,
    });
    handshakes.on("secureConnection", (socket) => {
      // A client may come without a certificate, but not with one that nobody vouches for.
      if (isOptional && !socket.authorized && hasCertificate(socket)) socket.destroy();
      else acceptPlain(socket, keepAliveSeconds, acceptor);
    });
    handshakes.on("tlsClientError", (error, socket) => {
      const address = addressText(socket.remoteAddress, socket.remotePort);
      this.parts.log.verbose(`Error accepting a client connection: ${error.message} (addr=${address})`);
      socket.destroy();
    });
    if (settings["tls-session-caching"]) rememberSessions(handshakes, settings["tls-session-cache-size"]);
    this.handshakes = handshakes;
  }

  create(): net.Server {
    return net.createServer({ allowHalfOpen: true }, (socket) => {
      // Whatever goes wrong before the handshake is told to its server.
      this.handshakes!.emit("connection", socket);
    });
  }

  opened(): void {}
}

function hasCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0;
}

/** Sessions of TLS 1.2 clients that take no tickets. @param limit 0: as many as come */
function rememberSessions(server: Server, limit: number): void {
  const sessions = new Map<string, Buffer>();
  server.on("newSession", (id: Buffer, data: Buffer, done: () => void) => {
    sessions.set(id.toString("latin1"), data);
    if (limit > 0 && sessions.size > limit) sessions.delete(sessions.keys().next().value!);
    done();
  });
  server.on("resumeSession", (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
    done(null, sessions.get(id.toString("latin1")) ?? null);
  });
}

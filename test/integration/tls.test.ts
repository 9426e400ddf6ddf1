/**
 * TLS on a running server, and on the real Redis where it can do it: who is let in with which certificate, protocol
 * and cipher, what CONFIG SET changes, and what is wrong at the start.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Certificate,
  createAuthority,
  createCertificate,
  encryptKey,
  hasOpenssl,
} from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { RawClient } from "../support/raw-client.ts";
import { runServerProgram, type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { POLL } from "./server-fixture.ts";

describe.skipIf(!hasOpenssl)("TLS", () => {
  let folder: string;
  let authority: Certificate;
  let certificate: Certificate;
  let foreign: Certificate;
  let tlsPort: number;
  let server: ServerProcess;
  let admin: RawClient;

  const files = () => [
    "--tls-cert-file",
    certificate.cert,
    "--tls-key-file",
    certificate.key,
    "--tls-ca-cert-file",
    authority.cert,
  ];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-tls-"));
    authority = createAuthority(folder, "authority");
    certificate = createCertificate(folder, "server", authority);
    foreign = createCertificate(folder, "foreign", createAuthority(folder, "other"));
    tlsPort = await freePort();
    server = await startServerProcess(folder, [
      "--appendonly",
      "no",
      "--tls-port",
      String(tlsPort),
      "--loglevel",
      "verbose",
      ...files(),
    ]);
    admin = await RawClient.connect(server.port);
  });

  afterAll(async () => {
    admin?.close();
    await server?.kill();
    rmSync(folder, { recursive: true });
  });

  const set = (...pairs: string[]) => admin.text("CONFIG", "SET", ...pairs);
  const identity = (of: Certificate) => ({ cert: readFileSync(of.cert), key: readFileSync(of.key) });

  interface Visit {
    readonly reply: string;
    readonly cipher?: string;
    readonly protocol?: string | null;
    readonly serial?: string;
    readonly isReused?: boolean;
    readonly session?: Buffer;
  }

  /** Sends PING; the reply is "" if the server does not let the client in. */
  function visit(options: ConnectionOptions = {}, port = tlsPort): Promise<Visit> {
    return new Promise((resolve) => {
      let session: Buffer | undefined;
      const socket = connect({
        port,
        host: "127.0.0.1",
        ca: readFileSync(authority.cert),
        checkServerIdentity: () => undefined,
        ...options,
      });
      socket.on("session", (data: Buffer) => {
        session = data;
      });
      socket.on("error", () => resolve({ reply: "" }));
      socket.on("close", () => resolve({ reply: "" }));
      socket.on("secureConnect", () => socket.write("PING\r\n"));
      socket.on("data", (data: Buffer) => {
        resolve({
          reply: data.toString(),
          cipher: socket.getCipher().name,
          protocol: socket.getProtocol(),
          serial: socket.getPeerCertificate().serialNumber,
          isReused: socket.isSessionReused(),
          ...(session === undefined ? {} : { session }),
        });
        socket.destroy();
      });
    });
  }

  const isLetIn = async (options?: ConnectionOptions, port?: number) =>
    (await visit(options, port)).reply === "+PONG\r\n";

  test("clients need a certificate of the authority, unless the server says otherwise", async () => {
    const results: Record<string, boolean[]> = {};
    for (const mode of ["yes", "optional", "no"]) {
      expect(await set("tls-auth-clients", mode)).toBe("+OK\r\n");
      results[mode] = await Promise.all([
        isLetIn(),
        isLetIn(identity(certificate)),
        isLetIn(identity(foreign)),
      ]);
    }
    expect(results).toEqual({
      yes: [false, true, false],
      optional: [true, true, false],
      no: [true, true, true],
    });
  });

  test("clients without TLS are not understood", async () => {
    const plain = await RawClient.connect(tlsPort);
    await expect(plain.run("PING")).rejects.toThrow(/closed|ended|ECONNRESET/);
    await expect.poll(() => server.output, POLL).toContain("Error accepting a client connection: ");
  });

  test("large requests and replies pass as they are", async () => {
    const size = 3_000_000;
    const socket = connect({
      port: tlsPort,
      host: "127.0.0.1",
      ca: readFileSync(authority.cert),
      checkServerIdentity: () => undefined,
    });
    const received: Buffer[] = [];
    const value = Buffer.alloc(size, "0123456789abcdef!");
    const expected = `+OK\r\n$${size}\r\n`.length + size + 2 + 1000 * "+PONG\r\n".length;
    socket.write(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$${size}\r\n`);
    socket.write(value);
    socket.write(`\r\n*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n${"PING\r\n".repeat(1000)}`);
    let count = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received.push(chunk);
      count += chunk.length;
      if (count >= expected) break;
    }
    const all = Buffer.concat(received);
    const start = `+OK\r\n$${size}\r\n`.length;
    expect(all.length).toBe(expected);
    expect(all.subarray(start, start + size).equals(value)).toBe(true);
    expect(all.subarray(start + size + 2).toString()).toBe("+PONG\r\n".repeat(1000));
  });

  test("protocols and ciphers are those that the server allows", async () => {
    expect((await visit()).protocol).toBe("TLSv1.3");
    expect(await set("tls-protocols", "TLSv1.2")).toBe("+OK\r\n");
    expect((await visit()).protocol).toBe("TLSv1.2");
    expect(await isLetIn({ minVersion: "TLSv1.3" })).toBe(false);
    expect(await set("tls-ciphers", "DEFAULT:-AES128-SHA256")).toBe("+OK\r\n");
    expect(await isLetIn({ ciphers: "AES128-SHA256" })).toBe(false);
    expect(await isLetIn({ ciphers: "AES256-SHA256" })).toBe(true);
    expect(await set("tls-ciphers", "AES128-SHA256:AES256-SHA256")).toBe("+OK\r\n");
    const wishes = { ciphers: "AES256-SHA256:AES128-SHA256" };
    expect((await visit(wishes)).cipher).toBe("AES256-SHA256");
    expect(await set("tls-prefer-server-ciphers", "yes")).toBe("+OK\r\n");
    expect((await visit(wishes)).cipher).toBe("AES128-SHA256");
    expect(await set("tls-protocols", "TLSv1.3", "tls-ciphersuites", "TLS_AES_128_GCM_SHA256")).toBe(
      "+OK\r\n",
    );
    expect((await visit()).cipher).toBe("TLS_AES_128_GCM_SHA256");
    expect(
      await set(
        "tls-protocols",
        "",
        "tls-ciphers",
        "",
        "tls-ciphersuites",
        "",
        "tls-prefer-server-ciphers",
        "no",
      ),
    ).toBe("+OK\r\n");
  });

  test("sessions are taken up again, unless they are not to be cached", async () => {
    const old = { maxVersion: "TLSv1.2" } as const;
    const { session } = await visit(old);
    expect((await visit({ ...old, session: session! })).isReused).toBe(true);
    expect(await set("tls-session-caching", "no")).toBe("+OK\r\n");
    const other = await visit(old);
    expect(
      (await visit(other.session === undefined ? old : { ...old, session: other.session })).isReused,
    ).toBe(false);
    expect(await set("tls-session-caching", "yes")).toBe("+OK\r\n");
  });

  test("what is wrong is refused, and all stays as it was", async () => {
    const refused =
      /^-ERR CONFIG SET failed \(possibly related to argument 'tls-[a-z-]+'\) - Unable to update TLS/;
    const broken = join(folder, "broken.crt");
    writeFileSync(broken, "no certificate");
    expect(await set("tls-cert-file", broken)).toMatch(refused);
    expect(await set("tls-cert-file", join(folder, "missing"))).toMatch(refused);
    expect(await set("tls-key-file", foreign.key)).toMatch(refused);
    expect(await set("tls-ca-cert-file", broken)).toMatch(refused);
    expect(await set("tls-dh-params-file", broken)).toMatch(refused);
    expect(await set("tls-protocols", "TLSv9")).toMatch(refused);
    expect(await set("tls-ciphers", "NONSENSE")).toMatch(refused);
    expect(await set("tls-cert-file", "")).toMatch(refused);
    expect(await set("tls-ca-cert-file", "", "tls-auth-clients", "yes")).toMatch(refused);
    expect(await isLetIn()).toBe(true);
    expect(server.output).toMatch(/Failed to load certificate: .*broken\.crt/);
    expect(server.output).toMatch(/Failed to load certificate: .*missing: No such file or directory/);
    expect(server.output).toContain("it is not that of the certificate");
  });

  test("an encrypted key needs its passphrase, which nobody is shown", async () => {
    const encrypted = encryptKey(certificate, "1234-secret");
    expect(await set("tls-key-file", encrypted)).toMatch(/Unable to update TLS/);
    expect(await set("tls-key-file-pass", "1234-secret", "tls-key-file", encrypted)).toBe("+OK\r\n");
    expect(await isLetIn()).toBe(true);
    expect(server.output).not.toContain("1234-secret");
    expect(await set("tls-key-file", certificate.key)).toBe("+OK\r\n");
  });

  test("a file that was replaced is read when its name is set again; connections stay", async () => {
    const path = { cert: join(folder, "live.crt"), key: join(folder, "live.key") };
    const put = (of: Certificate) => {
      copyFileSync(of.cert, path.cert);
      copyFileSync(of.key, path.key);
    };
    put(certificate);
    expect(await set("tls-cert-file", path.cert, "tls-key-file", path.key)).toBe("+OK\r\n");
    const first = (await visit()).serial;
    const renewed = createCertificate(folder, "renewed", authority);
    put(renewed);
    expect((await visit()).serial).toBe(first);
    expect(await set("tls-cert-file", path.cert, "tls-key-file", path.key)).toBe("+OK\r\n");
    const second = (await visit()).serial;
    expect(second).not.toBe(first);
    expect(await set("tls-cert-file", certificate.cert, "tls-key-file", certificate.key)).toBe("+OK\r\n");
  });

  test("ports are switched while the server runs", async () => {
    const next = await freePort();
    expect(await set("tls-port", String(next))).toBe("+OK\r\n");
    expect(await isLetIn({}, next)).toBe(true);
    expect(await isLetIn({}, tlsPort)).toBe(false);
    expect(await set("tls-port", String(server.port))).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to listen on this port. Check server logs.\r\n",
    );
    expect(await isLetIn({}, next)).toBe(true);
    expect(await set("tls-port", "0", "port", String(next))).toBe("+OK\r\n");
    const plain = await RawClient.connect(next);
    expect(await plain.text("PING")).toBe("+PONG\r\n");
    plain.close();
    expect(await set("port", "0")).toBe("+OK\r\n");
    expect(await set("tls-port", String(next))).toBe("+OK\r\n");
    expect(await isLetIn({}, next)).toBe(true);
    expect(await set("port", String(server.port), "tls-port", String(tlsPort))).toBe("+OK\r\n");
    expect(await isLetIn()).toBe(true);
  });

  test("the server does not start with what is wrong", async () => {
    const other = mkdtempSync(join(folder, "start-"));
    const start = async (...args: string[]) => {
      const { output, status } = await runServerProgram(
        ["--port", "0", "--tls-port", String(await freePort()), "--dir", other, ...args],
        other,
      );
      expect(status).toBe(1);
      return output;
    };
    expect(await start()).toContain("Failed to configure TLS: No tls-cert-file configured!");
    expect(await start("--tls-cert-file", certificate.cert)).toContain("No tls-key-file configured!");
    expect(await start("--tls-cert-file", certificate.cert, "--tls-key-file", certificate.key)).toContain(
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified",
    );
    expect(await start(...files(), "--tls-key-file", join(folder, "no.key"))).toMatch(
      /Failed to load private key: .*no\.key: No such file or directory/,
    );
    const nowhere = await runServerProgram(["--port", "0", "--dir", other], other);
    expect(nowhere.output).toContain("Configured to not listen anywhere, exiting.");
  });
});

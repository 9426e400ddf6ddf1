/**
 * The directives of TLS as Node takes them: reads the files they name, and translates Redis's words (which are those
 * of OpenSSL). Throws TlsError with a text that says what is wrong.
 */
import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SecureContextOptions } from "node:tls";
import type { ConfigValues } from "../config/settings.ts";
import { systemErrorText } from "../config/special-settings.ts";

/** TLS cannot be set up as the directives say. */
export class TlsError extends Error {
  override name = "TlsError";
}

export type TlsSettings = Pick<
  ConfigValues,
  | "tls-cert-file"
  | "tls-key-file"
  | "tls-key-file-pass"
  | "tls-ca-cert-file"
  | "tls-ca-cert-dir"
  | "tls-dh-params-file"
  | "tls-auth-clients"
  | "tls-protocols"
  | "tls-ciphers"
  | "tls-ciphersuites"
  | "tls-prefer-server-ciphers"
  | "tls-session-caching"
  | "tls-session-cache-timeout"
>;

/** Each protocol, and OpenSSL's switch against it. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  tlsv1: constants.SSL_OP_NO_TLSv1,
  "tlsv1.1": constants.SSL_OP_NO_TLSv1_1,
  "tlsv1.2": constants.SSL_OP_NO_TLSv1_2,
  "tlsv1.3": constants.SSL_OP_NO_TLSv1_3,
};
const DEFAULT_PROTOCOLS = "TLSv1.2 TLSv1.3";
/** OpenSSL's own choice, as in Redis: Node's would be another. */
const DEFAULT_CIPHERS = "DEFAULT";
const DEFAULT_SUITES = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const DH_PARAMETERS = /-----BEGIN (X9\.42 )?DH PARAMETERS-----[^-]+-----END (?:X9\.42 )?DH PARAMETERS-----/;

/** The options of a context. @param resolve makes a path absolute */
export function tlsOptions(settings: TlsSettings, resolve: (path: string) => string): SecureContextOptions {
  const read = (path: string, what: string) => readNamed(resolve(path), `Failed to load ${what}: ${path}`);
  if (settings["tls-cert-file"] === "") throw new TlsError("No tls-cert-file configured!");
  if (settings["tls-key-file"] === "") throw new TlsError("No tls-key-file configured!");
  const authorities = readAuthorities(settings, resolve);
  if (authorities === undefined && settings["tls-auth-clients"] !== "no") {
    throw new TlsError(
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or" +
        " tls-auth-clients are enabled!",
    );
  }
  const certificate = read(settings["tls-cert-file"], "certificate");
  const key = read(settings["tls-key-file"], "private key");
  checkPair(certificate, key, settings);
  const dhFile = settings["tls-dh-params-file"];
  return {
    cert: certificate,
    key,
    passphrase: settings["tls-key-file-pass"],
    ...(authorities === undefined ? {} : { ca: authorities }),
    dhparam: dhFile === "" ? "auto" : readParameters(dhFile, resolve),
    ciphers: ciphersOf(settings),
    honorCipherOrder: settings["tls-prefer-server-ciphers"],
    minVersion: "TLSv1",
    maxVersion: "TLSv1.3",
    secureOptions:
      forbiddenProtocols(settings["tls-protocols"]) |
      constants.SSL_OP_NO_SSLv2 |
      constants.SSL_OP_NO_SSLv3 |
      constants.SSL_OP_NO_COMPRESSION |
      // What is not to be cached is not to be handed to the client for keeping, either.
      (settings["tls-session-caching"] ? 0 : constants.SSL_OP_NO_TICKET),
    sessionTimeout: settings["tls-session-cache-timeout"],
  };
}

function readNamed(path: string, failure: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TlsError(`${failure}: ${systemErrorText(error)}`);
  }
}

/** Parameters for DHE. Node passes over what it cannot read as such. */
function readParameters(path: string, resolve: (path: string) => string): Buffer {
  const failure = `Failed to load ${path}`;
  const text = readNamed(resolve(path), failure);
  if (!DH_PARAMETERS.test(text.toString("latin1"))) throw new TlsError(`${failure}: no parameters found`);
  return text;
}

/** Tells which of the two is wrong, which Node's own error does not. */
function checkPair(certificate: Buffer, key: Buffer, settings: TlsSettings): void {
  const parsed = attempt(
    `Failed to load certificate: ${settings["tls-cert-file"]}`,
    () => new X509Certificate(certificate),
  );
  const privateKey = attempt(`Failed to load private key: ${settings["tls-key-file"]}`, () =>
    createPrivateKey({ key, passphrase: settings["tls-key-file-pass"] }),
  );
  if (!parsed.checkPrivateKey(privateKey)) {
    throw new TlsError(
      `Failed to load private key: ${settings["tls-key-file"]}: it is not that of the certificate`,
    );
  }
}

function attempt<T>(failure: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw new TlsError(`${failure}: ${(error as Error).message}`);
  }
}

/** Certificates of those who vouch for clients; undefined if none are configured. */
function readAuthorities(settings: TlsSettings, resolve: (path: string) => string): string[] | undefined {
  const { "tls-ca-cert-file": file, "tls-ca-cert-dir": folder } = settings;
  if (file === "" && folder === "") return undefined;
  const failure = "Failed to configure CA certificate(s) file/directory";
  const found: string[] = [];
  if (file !== "") {
    const certificates = certificatesIn(readNamed(resolve(file), `${failure}: ${file}`));
    if (certificates.length === 0) throw new TlsError(`${failure}: ${file}: no certificate found`);
    found.push(...certificates);
  }
  if (folder !== "") found.push(...certificatesOfFolder(resolve(folder)));
  return found;
}

/** As OpenSSL does, passes over what cannot be read there, and over a folder that is not there. */
function certificatesOfFolder(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      return certificatesIn(readFileSync(join(folder, name)));
    } catch {
      return [];
    }
  });
}

function certificatesIn(text: Buffer): string[] {
  return text.toString("latin1").match(CERTIFICATE) ?? [];
}

/** OpenSSL's switches against the protocols that are not in the list. */
function forbiddenProtocols(text: string): number {
  let forbidden = Object.values(PROTOCOLS).reduce((all, option) => all | option, 0);
  for (const word of (text === "" ? DEFAULT_PROTOCOLS : text).split(" ")) {
    const option = PROTOCOLS[word.toLowerCase()];
    if (option === undefined) {
      throw new TlsError(
        "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.",
      );
    }
    forbidden &= ~option;
  }
  return forbidden;
}

/** Node takes ciphers of TLS 1.2 and suites of TLS 1.3 as one list. */
function ciphersOf(settings: TlsSettings): string {
  const { "tls-ciphers": ciphers, "tls-ciphersuites": suites } = settings;
  return `${suites === "" ? DEFAULT_SUITES : suites}:${ciphers === "" ? DEFAULT_CIPHERS : ciphers}`;
}

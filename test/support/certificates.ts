/**
 * Certificates for tests of TLS, made by the program openssl. Tests that need it use `describe.skipIf(!hasOpenssl)`; a
 * missing one is said on stderr.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const PROGRAM = "openssl";

export const hasOpenssl: boolean = findOpenssl();

function findOpenssl(): boolean {
  if (spawnSync(PROGRAM, ["version"]).status === 0) return true;
  process.stderr.write("no openssl on the PATH: tests of TLS are left out\n");
  return false;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync(PROGRAM, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const NEW_RSA_KEY = ["-newkey", "rsa:2048", "-nodes"];

/** An authority; its files lie in `folder`. */
export function createAuthority(folder: string, name: string): Certificate {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  openssl("req", "-x509", ...NEW_KEY, "-keyout", key, "-out", cert, "-subj", `/CN=${name}`, "-days", "2");
  return { cert, key };
}

/** A certificate that the authority vouches for, with an RSA key, as the oldest ciphers need one. */
export function createCertificate(folder: string, name: string, authority: Certificate): Certificate {
  const [cert, key, request] = ["crt", "key", "csr"].map((end) => join(folder, `${name}.${end}`));
  openssl("req", ...NEW_RSA_KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
  const by = ["-CA", authority.cert, "-CAkey", authority.key, "-CAcreateserial"];
  openssl("x509", "-req", "-in", request, ...by, "-out", cert, "-days", "2");
  return { cert, key };
}

/** The same key, encrypted; returns its path. */
export function encryptKey({ key }: Certificate, passphrase: string): string {
  const path = `${key}.encrypted`;
  openssl("pkey", "-in", key, "-out", path, "-aes256", "-passout", `pass:${passphrase}`);
  return path;
}

/**
 * Whether a request came just as the protocol's encoder would write it: then its bytes can be copied as a whole, which
 * the append-only file does with most commands.
 *
 *     *argc CR LF  then for each argument  $length CR LF bytes CR LF
 *
 * Clients may send the same request inline or with other bytes where line ends are skipped unseen, and a request may
 * have come in pieces that lie elsewhere; so every byte between the arguments is compared.
 */
import type { Request } from "./request.ts";

const CR = 13;
const LF = 10;
const DOLLAR = 36;
const STAR = 42;
const ZERO = 0x30;
/** Longer arguments gain nothing by this, so their lengths need not be compared. */
const MAX_LENGTH = 999;
const NO = -1;

/** Offset in `request.buf` of the request's encoded bytes; -1 if they do not lie there. They end with the line end of
 * the last argument: see `rawEnd`. */
export function rawStart(request: Request): number {
  const { argc, buf, start, len } = request;
  if (argc === 0 || argc > MAX_LENGTH || len[0] > MAX_LENGTH) return NO;
  const first = start[0] - headerBytes(len[0]) - headerBytes(argc);
  if (first < 0) return NO;
  let at = headerAt(buf, first, STAR, argc);
  for (let i = 0; i < argc && at >= 0; i++) {
    at = headerAt(buf, at, DOLLAR, len[i]);
    if (at !== start[i]) return NO;
    at += len[i];
    if (buf[at] !== CR || buf[at + 1] !== LF) return NO;
    at += 2;
  }
  return at < 0 ? NO : first;
}

/** Offset behind the bytes that `rawStart` found. */
export function rawEnd({ argc, start, len }: Request): number {
  return start[argc - 1] + len[argc - 1] + 2;
}

/** Bytes of a header line: prefix, digits, line end. */
function headerBytes(value: number): number {
  return value < 10 ? 4 : value < 100 ? 5 : 6;
}

/** Position behind the header at `at`, if it is the given one; else -1. */
function headerAt(buf: Buffer, at: number, prefix: number, value: number): number {
  if (value > MAX_LENGTH || buf[at] !== prefix) return NO;
  const end = at + headerBytes(value);
  if (buf[end - 2] !== CR || buf[end - 1] !== LF) return NO;
  let rest = value;
  for (let i = end - 3; i > at; i--) {
    const tenth = (rest / 10) | 0;
    if (buf[i] !== ZERO + rest - tenth * 10) return NO;
    rest = tenth;
  }
  return end;
}

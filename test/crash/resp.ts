/**
 * RESP2 as the crash tests need it: requests and replies as byte strings (one character per byte).
 */

/** A request. */
export function encodeRequest(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

/** Where the reply that begins at `start` ends; -1 if it is not complete. */
export function replyEnd(text: string, start: number): number {
  const lineEnd = text.indexOf("\r\n", start);
  if (lineEnd < 0) return -1;
  const next = lineEnd + 2;
  const kind = text[start];
  if (kind === "+" || kind === "-" || kind === ":") return next;
  const count = Number(text.slice(start + 1, lineEnd));
  if ((kind !== "$" && kind !== "*") || !Number.isInteger(count)) {
    throw new Error(`not a reply: ${text.slice(start, lineEnd)}`);
  }
  if (count < 0) return next;
  if (kind === "$") return next + count + 2 <= text.length ? next + count + 2 : -1;
  let end = next;
  for (let i = 0; i < count && end >= 0; i++) end = replyEnd(text, end);
  return end;
}

/** The strings of an array of bulk strings, and of arrays in it, in their order. */
export function stringsOf(reply: string): string[] {
  const strings: string[] = [];
  for (let at = 0; at < reply.length; ) {
    const lineEnd = reply.indexOf("\r\n", at);
    const length = Number(reply.slice(at + 1, lineEnd));
    const isBulk = reply[at] === "$" && length >= 0;
    at = lineEnd + 2;
    if (!isBulk) continue;
    strings.push(reply.slice(at, at + length));
    at += length + 2;
  }
  return strings;
}

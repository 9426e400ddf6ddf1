/**
 * Replies of commands as a debugger shows them: one line, strings in quotes.
 */
import { quote } from "../../protocol/quoting.ts";

/** Writes out the replies in some bytes, one after the other. */
class ReplyText {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  next(): string {
    const type = String.fromCharCode(this.bytes[this.position]);
    const line = this.line();
    const rest = line.slice(1);
    switch (type) {
      case ":":
        return rest;
      case "+":
      case "-":
        return quote(line);
      case "$":
        return rest === "-1" ? "NULL" : quote(this.take(Number(rest)));
      case "*":
        return rest === "-1" ? "NULL" : `[${this.several(Number(rest)).join(",")}]`;
      case "~":
        return `~(${this.several(Number(rest)).join(",")})`;
      case "%":
        return `{${this.pairs(Number(rest)).join(",")}}`;
      case "_":
        return "(null)";
      case "#":
        return rest === "t" ? "#true" : "#false";
      case ",":
        return `(double) ${rest}`;
      case "=":
        // Redis shows nothing of it.
        this.take(Number(rest));
        return "";
      default:
        return "";
    }
  }

  private several(count: number): string[] {
    return Array.from({ length: count }, () => this.next());
  }

  private pairs(count: number): string[] {
    return Array.from({ length: count }, () => `${this.next()} => ${this.next()}`);
  }

  /** Goes behind the end of the line. */
  private line(): string {
    const { bytes, position } = this;
    const end = bytes.indexOf("\r\n", position);
    this.position = end + 2;
    return bytes.toString("latin1", position, end);
  }

  /** So many bytes, and the end of their line. */
  private take(length: number): string {
    const { bytes, position } = this;
    this.position = position + length + 2;
    return bytes.toString("latin1", position, position + length);
  }
}

/** The reply that begins at the first of `bytes`. */
export function replyText(bytes: Buffer): string {
  return new ReplyText(bytes).next();
}

/**
 * What a debugger's client sends: commands as arrays of bulk strings, read as forgivingly, and with the same limits, as
 * Redis does: what stands before an array is passed over, and no argument may be empty.
 */

/** Of a command, and of an argument. */
const MAX_ARGUMENTS = 1024;
const MAX_ARGUMENT_BYTES = 1024;
/** A client that sends more, and no command, is not listened to. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** A command, an error that ends the script, or what is to come yet. */
export type DebugRequest =
  | { readonly kind: "command"; readonly words: readonly string[] }
  | { readonly kind: "error"; readonly text: string }
  | undefined;

const PROTOCOL_ERROR = { kind: "error", text: "protocol error" } as const;
const TOO_MUCH = { kind: "error", text: "max client buffer reached" } as const;

export class DebugInput {
  /** One character a byte. */
  private text = "";

  add(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("latin1");
  }

  /** The next command. Undefined if it is not there yet. */
  next(): DebugRequest {
    const request = this.read();
    if (request === undefined && this.text.length > MAX_BUFFERED_BYTES) {
      this.text = "";
      return TOO_MUCH;
    }
    return request;
  }

  private read(): DebugRequest {
    const { text } = this;
    if (text === "") return undefined;
    const begin = text.indexOf("*");
    if (begin < 0) return PROTOCOL_ERROR;
    let end = text.indexOf("\r\n", begin);
    if (end < 0) return undefined;
    const count = leadingInteger(text.slice(begin + 1, end));
    if (count <= 0 || count > MAX_ARGUMENTS) return PROTOCOL_ERROR;
    const words: string[] = [];
    let position = end + 2;
    while (words.length < count) {
      if (position === text.length) return undefined;
      if (text[position] !== "$") return PROTOCOL_ERROR;
      end = text.indexOf("\r\n", position);
      if (end < 0) return undefined;
      const length = leadingInteger(text.slice(position + 1, end));
      if (length <= 0 || length > MAX_ARGUMENT_BYTES) return PROTOCOL_ERROR;
      position = end + 2 + length;
      if (position + 2 > text.length) return undefined;
      if (!text.startsWith("\r\n", position)) return PROTOCOL_ERROR;
      words.push(text.slice(end + 2, position));
      position += 2;
    }
    this.text = text.slice(position);
    return { kind: "command", words };
  }
}

/** The number that a text begins with, as C reads it; 0 if it begins with none. */
export function leadingInteger(text: string): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text);
  return digits === null ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(digits[1])));
}

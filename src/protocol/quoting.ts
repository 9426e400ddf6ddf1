/**
 * Bytes as a quoted text that people can read, and that splits into the same bytes again (inline.ts): in MONITOR, in
 * configuration files, and for options of the command line.
 */

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "n",
  "\r": "r",
  "\t": "t",
  "\x07": "a",
  "\b": "b",
  '"': '"',
  "\\": "\\",
};

/** A byte string (one character a byte) in double quotes. */
export function quote(text: string): string {
  const quoted = text.replaceAll(
    /["\\]|[^ -~]/g,
    (character) => `\\${ESCAPES[character] ?? `x${Buffer.from(character, "latin1").toString("hex")}`}`,
  );
  return `"${quoted}"`;
}

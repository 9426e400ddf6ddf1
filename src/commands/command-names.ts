/**
 * Commands by name, in any case, found in the bytes of a request without allocating: a hash table of our own.
 */
import type { CompiledCommand } from "./table.ts";

export class CommandNames {
  readonly all: readonly CompiledCommand[];
  private readonly slots: (CompiledCommand | undefined)[];
  /** The names by which those in `slots` are found. */
  private readonly names: Buffer[];
  private readonly mask: number;

  /** @param named names in lower case; a command may have several */
  constructor(named: readonly (readonly [name: Buffer, command: CompiledCommand])[]) {
    this.all = [...new Set(named.map(([, command]) => command))];
    let capacity = 8;
    while (capacity < named.length * 4) capacity *= 2;
    this.mask = capacity - 1;
    this.slots = Array.from({ length: capacity }, () => undefined);
    this.names = Array.from({ length: capacity }, () => Buffer.alloc(0));
    for (const [name, command] of named) {
      if (this.find(name, 0, name.length) !== undefined)
        throw new Error(`command '${name.toString()}' stands twice`);
      let slot = hashName(name, 0, name.length) & this.mask;
      while (this.slots[slot] !== undefined) slot = (slot + 1) & this.mask;
      this.slots[slot] = command;
      this.names[slot] = name;
    }
  }

  /** Each by its own name. */
  static of(commands: readonly CompiledCommand[]): CommandNames {
    return new CommandNames(commands.map((command) => [command.name, command]));
  }

  /** @param named one character per byte */
  static byText(named: ReadonlyMap<string, CompiledCommand>): CommandNames {
    return new CommandNames([...named].map(([name, command]) => [Buffer.from(name, "latin1"), command]));
  }

  find(buf: Buffer, start: number, length: number): CompiledCommand | undefined {
    let slot = hashName(buf, start, length) & this.mask;
    for (;;) {
      const command = this.slots[slot];
      if (command === undefined) return undefined;
      if (sameName(this.names[slot], buf, start, length)) return command;
      slot = (slot + 1) & this.mask;
    }
  }

  /** @param name one character per byte */
  findText(name: string): CompiledCommand | undefined {
    const bytes = Buffer.from(name, "latin1");
    return this.find(bytes, 0, bytes.length);
  }
}

/** Any spread will do: a hundred names, chosen by us. Case is folded by setting bit 5. */
function hashName(buf: Buffer, start: number, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + (buf[start + i] | 0x20)) | 0;
  return hash ^ (hash >>> 7);
}

/** `name` is in lower case. */
function sameName(name: Buffer, buf: Buffer, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    let byte = buf[start + i];
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (name[i] !== byte) return false;
  }
  return true;
}

/**
 * A set of permissions: commands, keys, channels. A request is allowed if one selector of its user allows all of it;
 * permissions of several do not add up.
 */

/** Rights on keys: bits. */
export const READ = 1;
export const WRITE = 2;

/** A glob pattern of keys or channels. */
export interface Pattern {
  /** One character per byte. */
  readonly text: string;
  readonly bytes: Buffer;
}

export interface KeyPattern extends Pattern {
  /** READ, WRITE, or both. */
  rights: number;
}

export function patternOf(text: string): Pattern {
  return { text, bytes: Buffer.from(text, "latin1") };
}

export class Selector {
  allKeys = false;
  allChannels = false;
  /** Set while every command is allowed: then nobody needs to look at the bits. */
  allCommands = false;
  /** The rules began with +@all: what they do not mention is allowed. Decides how they are described. */
  startsFull = false;
  keyPatterns: KeyPattern[] = [];
  channels: Pattern[] = [];
  /** First arguments with which a command is allowed that otherwise is not, by its number; as they were written. */
  readonly firstArguments = new Map<number, string[]>();
  private commands: Uint32Array;

  /** @param commandCount how many numbers there are of commands */
  constructor(commandCount: number) {
    this.commands = new Uint32Array((commandCount + 31) >>> 5);
  }

  /** Whether anything at all is allowed. */
  get allowsAll(): boolean {
    return this.allCommands && this.allKeys && this.allChannels;
  }

  has(commandId: number): boolean {
    return (this.commands[commandId >>> 5] & (1 << (commandId & 31))) !== 0;
  }

  put(commandId: number, isAllowed: boolean): void {
    const bit = 1 << (commandId & 31);
    if (isAllowed) {
      this.commands[commandId >>> 5] |= bit;
    } else {
      this.commands[commandId >>> 5] &= ~bit;
      this.allCommands = false;
    }
  }

  /** All commands, or none. */
  putAll(areAllowed: boolean): void {
    this.commands.fill(areAllowed ? 0xffffffff : 0);
    this.allCommands = areAllowed;
    this.startsFull = areAllowed;
    this.firstArguments.clear();
  }

  copy(): Selector {
    const copy = new Selector(0);
    copy.allKeys = this.allKeys;
    copy.allChannels = this.allChannels;
    copy.allCommands = this.allCommands;
    copy.startsFull = this.startsFull;
    copy.keyPatterns = this.keyPatterns.map((pattern) => ({ ...pattern }));
    copy.channels = [...this.channels];
    copy.commands = this.commands.slice();
    for (const [id, words] of this.firstArguments) copy.firstArguments.set(id, [...words]);
    return copy;
  }

  /** Another selector with the same bits for commands, and nothing else. */
  withSameCommands(): Selector {
    const copy = new Selector(0);
    copy.commands = this.commands.slice();
    return copy;
  }
}

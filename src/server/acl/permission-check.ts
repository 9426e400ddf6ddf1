/**
 * Whether a user may execute a request: the command, each key with what is done to it, each channel. Allocates nothing
 * where the rules of key positions suffice.
 *
 * Keys are judged as Redis finds them: all that the key specifications name; none, if the request cannot be one of
 * the command (which then answers the error itself, before it touches a key).
 */

import { globMatchRange } from "../../base/glob.ts";
import type { KeyFlag } from "../../commands/command.ts";
import { KeyPlaces } from "../../commands/key-positions.ts";
import { KEY_READ, keyRightsOf } from "../../commands/key-rights.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import type { Request } from "../../protocol/request.ts";
import type { Pattern, Selector } from "./selector.ts";
import type { User } from "./user.ts";

/** Results, in the order in which they tell most: of several selectors the last that failed decides. */
export const ALLOWED = 0;
export const DENIED_COMMAND = 1;
export const DENIED_KEY = 2;
export const DENIED_CHANNEL = 3;

export class PermissionCheck {
  /** After DENIED_KEY and DENIED_CHANNEL: which argument it was. */
  position = 0;
  private readonly places = new KeyPlaces();
  private deniedAt = 0;

  /** Judges the request whose command is argument `nameAt`. */
  check(user: User, command: CompiledCommand, request: Request, nameAt = 0): number {
    this.position = 0;
    let result = this.checkSelector(user.root, command, request, nameAt);
    if (result === ALLOWED) return ALLOWED;
    if (result !== DENIED_COMMAND) this.position = this.deniedAt;
    for (const selector of user.selectors) {
      const next = this.checkSelector(selector, command, request, nameAt);
      if (next === ALLOWED) return ALLOWED;
      if (next > result || (next === result && next !== DENIED_COMMAND && this.deniedAt > this.position)) {
        result = next;
        this.position = this.deniedAt;
      }
    }
    return result;
  }

  /** Whether the user may execute the request, and one selector that allows it allows to read all keys, too. */
  mayReadAllKeys(user: User, command: CompiledCommand, request: Request): boolean {
    for (const selector of [user.root, ...user.selectors]) {
      if (this.checkSelector(selector, command, request, 0) !== ALLOWED) continue;
      if (selector.allKeys) return true;
      if (selector.keyPatterns.some(({ text, rights }) => text === "*" && (rights & KEY_READ) !== 0))
        return true;
    }
    return false;
  }

  private checkSelector(
    selector: Selector,
    command: CompiledCommand,
    request: Request,
    nameAt: number,
  ): number {
    if (!selector.allCommands && command.needsAuth && !selector.has(command.id)) {
      if (!hasAllowedArgument(selector, command, request, nameAt)) return DENIED_COMMAND;
    }
    if (!selector.allKeys && command.hasKeys && !this.areKeysAllowed(selector, command, request, nameAt)) {
      return DENIED_KEY;
    }
    const { channels } = command.spec;
    if (channels !== undefined && !selector.allChannels && channels.use !== "unsubscribe") {
      const last = channels.last < 0 ? request.argc + channels.last : nameAt + channels.last;
      for (let i = nameAt + channels.first; i <= last && i < request.argc; i++) {
        if (isChannelAllowed(selector.channels, request, i, channels.isPattern)) continue;
        this.deniedAt = i;
        return DENIED_CHANNEL;
      }
    }
    return ALLOWED;
  }

  /** Leaves the first key that is not allowed in `deniedAt`. */
  private areKeysAllowed(
    selector: Selector,
    command: CompiledCommand,
    request: Request,
    nameAt: number,
  ): boolean {
    const { spec, keyRights } = command;
    if (spec.keysOf !== undefined) return this.areFoundKeysAllowed(selector, command, request, nameAt);
    const exactFlags = spec.keyFlagsOf?.(request, nameAt);
    const exactRights = exactFlags === undefined ? -1 : keyRightsOf(exactFlags);
    const { places } = this;
    let denied = 0;
    for (let k = 0; k < spec.keys.length; k++) {
      const key = spec.keys[k];
      if (key.flags.includes("not_key")) continue;
      if (!places.find(key, request, nameAt)) return true;
      const rights = exactRights < 0 ? keyRights[k] : exactRights;
      for (let i = places.first; denied === 0 && i <= places.last; i += places.step) {
        if (!isKeyAllowed(selector, request, i, rights)) denied = i;
      }
    }
    this.deniedAt = denied;
    return denied === 0;
  }

  private areFoundKeysAllowed(
    selector: Selector,
    { spec }: CompiledCommand,
    request: Request,
    nameAt: number,
  ): boolean {
    const flagsOfAll: readonly KeyFlag[] | undefined = spec.keyFlagsOf?.(request, nameAt);
    for (const { position, flags } of spec.keysOf!(request, nameAt)) {
      if (isKeyAllowed(selector, request, position, keyRightsOf(flagsOfAll ?? flags))) continue;
      this.deniedAt = position;
      return false;
    }
    return true;
  }
}

function isKeyAllowed({ keyPatterns }: Selector, request: Request, i: number, rights: number): boolean {
  for (const pattern of keyPatterns) {
    if ((pattern.rights & rights) !== rights) continue;
    if (globMatchRange(pattern.bytes, request.buf, request.start[i], request.len[i])) return true;
  }
  return false;
}

/** A pattern that a client subscribes to must be allowed literally: no pattern shows what all it might match. */
function isChannelAllowed(
  allowed: readonly Pattern[],
  { buf, start, len }: Request,
  i: number,
  isPattern: boolean,
): boolean {
  const end = start[i] + len[i];
  for (const { bytes } of allowed) {
    const matches = isPattern
      ? bytes.length === len[i] && bytes.compare(buf, start[i], end) === 0
      : globMatchRange(bytes, buf, start[i], len[i]);
    if (matches) return true;
  }
  return false;
}

function hasAllowedArgument(
  { firstArguments }: Selector,
  command: CompiledCommand,
  request: Request,
  nameAt: number,
): boolean {
  const words = firstArguments.get(command.id);
  if (words === undefined || request.argc < nameAt + 2) return false;
  const argument = request.text(nameAt + 1).toLowerCase();
  return words.some((word) => word.toLowerCase() === argument);
}

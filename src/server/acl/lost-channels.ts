/**
 * Which clients are subscribed to channels that their user may no longer use: they are disconnected when rules take
 * channels away.
 */
import { globMatch } from "../../base/glob.ts";
import type { Pattern } from "./selector.ts";
import type { User } from "./user.ts";

/** What a client is subscribed to; texts have one character per byte. */
export interface SubscribedNames {
  readonly channels: Iterable<string>;
  readonly shardChannels: Iterable<string>;
  readonly patterns: Iterable<string>;
}

/** The channels that a user may still use after a change; undefined if nothing was taken away. */
export function narrowedChannels(before: User, after: User): readonly Pattern[] | undefined {
  const left = selectorsOf(after);
  if (left.some(({ allChannels }) => allChannels)) return undefined;
  const allowed = left.flatMap(({ channels }) => channels);
  const texts = new Set(allowed.map(({ text }) => text));
  const hasAll = selectorsOf(before).every(
    ({ allChannels, channels }) => !allChannels && channels.every(({ text }) => texts.has(text)),
  );
  return hasAll ? undefined : allowed;
}

/** Whether all that a client is subscribed to is among the allowed: a pattern literally, a channel by a pattern. */
export function mayKeep(names: SubscribedNames, allowed: readonly Pattern[]): boolean {
  for (const pattern of names.patterns) {
    if (!allowed.some(({ text }) => text === pattern)) return false;
  }
  for (const channels of [names.channels, names.shardChannels]) {
    for (const channel of channels) {
      const bytes = Buffer.from(channel, "latin1");
      if (!allowed.some((pattern) => globMatch(pattern.bytes, bytes))) return false;
    }
  }
  return true;
}

function selectorsOf({ root, selectors }: User): User["selectors"] {
  return [root, ...selectors];
}

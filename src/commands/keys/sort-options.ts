/**
 * The options of SORT and SORT_RO.
 */
import { SORT_BY_DENIED, SORT_GET_DENIED, SYNTAX_ERROR } from "../../protocol/errors.ts";
import type { Request } from "../../protocol/request.ts";
import { isWord, longOrReply } from "../arguments.ts";
import type { KeyArgument } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { SortPattern } from "./sort-pattern.ts";

const FIRST_OPTION = 2;

export class SortOptions {
  isDescending = false;
  isAlphabetical = false;
  /** LIMIT; a negative count is no limit. */
  start = 0;
  count = -1;
  /** Whether the elements are to be left in their order: BY a name without an asterisk. */
  keepsOrder = false;
  by: SortPattern | undefined;
  /** Argument with the key to store the result in; 0 if it is answered. */
  storeAt = 0;
  readonly gets: SortPattern[] = [];

  /** Reads the options behind the key; undefined after an error reply. */
  static parse(ctx: CommandContext, mayStore: boolean): SortOptions | undefined {
    const { request } = ctx;
    const options = new SortOptions();
    for (let i = FIRST_OPTION; i < request.argc; i++) {
      const left = request.argc - i - 1;
      if (isWord(request, i, "asc")) options.isDescending = false;
      else if (isWord(request, i, "desc")) options.isDescending = true;
      else if (isWord(request, i, "alpha")) options.isAlphabetical = true;
      else if (left >= 2 && isWord(request, i, "limit")) {
        options.start = longOrReply(ctx, ++i);
        if (Number.isNaN(options.start)) return undefined;
        options.count = longOrReply(ctx, ++i);
        if (Number.isNaN(options.count)) return undefined;
      } else if (left >= 1 && mayStore && isWord(request, i, "store")) options.storeAt = ++i;
      else if (left >= 1 && isWord(request, i, "by")) {
        options.by = new SortPattern(request.bytes(++i));
        if (!options.by.hasPlace) options.keepsOrder = true;
        else if (!ctx.server.access.mayReadAllKeys(request)) {
          ctx.reply.error(SORT_BY_DENIED);
          return undefined;
        }
      } else if (left >= 1 && isWord(request, i, "get")) {
        if (!ctx.server.access.mayReadAllKeys(request)) {
          ctx.reply.error(SORT_GET_DENIED);
          return undefined;
        }
        options.gets.push(new SortPattern(request.bytes(++i)));
      } else {
        ctx.reply.error(SYNTAX_ERROR);
        return undefined;
      }
    }
    return options;
  }
}

/** The keys in a request whose name is argument `nameAt`, as Redis finds them: the last STORE counts. */
export function keysOfSort(request: Request, nameAt: number): readonly KeyArgument[] {
  const keys: KeyArgument[] = [{ position: nameAt + 1, flags: ["RO", "access"] }];
  let store: KeyArgument | undefined;
  for (let i = nameAt + FIRST_OPTION; i < request.argc; i++) {
    if (isWord(request, i, "limit")) i += 2;
    else if (isWord(request, i, "get") || isWord(request, i, "by")) i++;
    else if (isWord(request, i, "store") && i + 1 < request.argc)
      store = { position: i + 1, flags: ["OW", "update"] };
  }
  if (store !== undefined) keys.push(store);
  return keys;
}

/** The same of SORT_RO, which stores nothing. */
export function keysOfReadonlySort(_request: Request, nameAt: number): readonly KeyArgument[] {
  return [{ position: nameAt + 1, flags: ["RO", "access"] }];
}

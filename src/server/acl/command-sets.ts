/**
 * Commands as rules name them: single ones, subcommands ("config|get"), and the sets that are categories. Names are
 * the original ones, whatever rename-command makes of them.
 */
import { ACL_CATEGORIES, aclCategoriesOf } from "../../commands/acl-categories.ts";
import type { CommandTable, CompiledCommand } from "../../commands/table.ts";
import type { Selector } from "./selector.ts";

export class CommandSets {
  /** All commands, each followed by its subcommands. */
  readonly all: readonly CompiledCommand[];
  private readonly table: CommandTable;
  private readonly categories = new Map<string, CompiledCommand[]>();

  constructor(table: CommandTable) {
    this.table = table;
    this.all = table.originals.flatMap((command) => [command, ...(command.subcommands?.all ?? [])]);
    for (const category of ACL_CATEGORIES) this.categories.set(category, []);
    for (const command of this.all) {
      for (const category of aclCategoriesOf(command.spec)) this.categories.get(category)!.push(command);
    }
  }

  /** The command or subcommand of that name, in any case. */
  find(name: string): CompiledCommand | undefined {
    const [command = "", subcommand, ...rest] = name.split("|");
    if (rest.length > 0) return undefined;
    return this.table.findOriginal(command, subcommand);
  }

  /** The commands of a category, in any case; undefined if there is no such category. */
  ofCategory(category: string): readonly CompiledCommand[] | undefined {
    return this.categories.get(category.toLowerCase());
  }

  /** Allows or forbids a command, and with a container all its subcommands. */
  put(selector: Selector, command: CompiledCommand, isAllowed: boolean): void {
    selector.put(command.id, isAllowed);
    selector.firstArguments.delete(command.id);
    for (const subcommand of command.subcommands?.all ?? []) selector.put(subcommand.id, isAllowed);
  }

  /** The same for all commands of a category. */
  putCategory(selector: Selector, category: string, isAllowed: boolean): void {
    for (const command of this.ofCategory(category) ?? []) this.put(selector, command, isAllowed);
  }
}

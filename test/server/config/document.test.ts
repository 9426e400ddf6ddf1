/**
 * docs/configuration.md says what the table of directives says, neither more nor less.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Setting, SettingStatus } from "../../../src/server/config/setting.ts";
import { settingNames, settings } from "../../../src/server/config/settings.ts";

const text = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");

/** The text of a chapter, by the beginning of its title. */
function chapter(title: string): string {
  const found = text.split(/^## /m).find((part) => part.startsWith(title));
  if (found === undefined) throw new Error(`no chapter "${title}"`);
  return found;
}

/** Rows of the chapter's tables that describe a directive. */
function rows(title: string): string[][] {
  const lines = chapter(title).split("\n");
  return lines.filter((line) => line.startsWith("| `")).map((line) => line.slice(2, -2).split(" | "));
}

function withStatus(status: SettingStatus): [string, Setting<unknown>][] {
  const all = settingNames.map((name): [string, Setting<unknown>] => [name, settings[name]]);
  return all.filter(([, setting]) => setting.status === status);
}

function nameCell(name: string, { alias }: Setting<unknown>): string {
  return alias === undefined ? `\`${name}\`` : `\`${name}\` (\`${alias}\`)`;
}

function defaultCell(name: string, { initial }: Setting<unknown>): string {
  // The table starts from the working folder; the program takes this folder in it if nothing sets the directive.
  if (name === "dir") return "`./data`";
  if (typeof initial === "function") return "half of the memory";
  return initial === "" ? '`""`' : `\`${initial}\``;
}

function valuesCell({ kind, range, unit }: Setting<unknown>): string {
  const values = kind === "memory" ? `memory, ${range}` : (range ?? kind);
  return unit === undefined ? values : `${values} (${unit})`;
}

function runTimeCell(setting: Setting<unknown>): string {
  if (setting.immutable === true) return "no";
  return setting.protected === true ? "protected" : "yes";
}

function factCells([name, setting]: [string, Setting<unknown>]): string[] {
  return [nameCell(name, setting), defaultCell(name, setting), valuesCell(setting), runTimeCell(setting)];
}

describe("docs/configuration.md", () => {
  it("describes exactly the directives that have an effect, as the table has them", () => {
    const documented = rows("Directives with an effect");
    expect(documented.map((cells) => cells.slice(0, 4))).toEqual(withStatus("used").map(factCells));
    for (const [name, , , , meaning] of documented) expect(meaning, name).toMatch(/\.$/);
  });

  it("lists exactly the directives that are stored", () => {
    expect(rows("Directives that are kept and reported")).toEqual(withStatus("stored").map(factCells));
  });

  it("lists exactly the directives that are ignored", () => {
    const listed = chapter("Directives that are ignored").match(/^- .*$/gm);
    expect(listed).toEqual(withStatus("ignored").map(([name, setting]) => `- ${nameCell(name, setting)}`));
  });
});

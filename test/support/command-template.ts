/**
 * Requests from templates: a word that is a placeholder is replaced by something random.
 */
import type { Random } from "../../src/base/random.ts";

const VALUES = ["a", "b", "c", "1", "2", "30", "3.5", "longer than that"];

/** K becomes one of `keys`, V a value, N a number from 0 to 4 (also as the end of a word), F one from -3 to 3, and ""
 * nothing. */
export function fillTemplate(template: readonly string[], random: Random, keys: readonly string[]): string[] {
  return template.map((word, i) => {
    if (i === 0) return word;
    if (word === "K") return keys[random.below(keys.length)];
    if (word === "V") return VALUES[random.below(VALUES.length)];
    if (word === "F") return String(random.below(7) - 3);
    if (word === '""') return "";
    return word.endsWith("N") && /^(\d+-)?N$/.test(word) ? word.replace("N", String(random.below(5))) : word;
  });
}

/**
 * LOLWUT: a drawing, and the version. Here it is a cellular automaton: each line follows from the one above it by one
 * of Wolfram's elementary rules, from a single cell on.
 */
import { REDIS_VERSION } from "../../base/compatibility.ts";
import { DONE } from "../../protocol/outcome.ts";
import { intOrReply, isWord } from "../arguments.ts";
import { defineCommand } from "../command.ts";

const DEFAULTS = { columns: 66, lines: 32, rule: 30 };
const MOST_COLUMNS = 1000;
const MOST_LINES = 1000;
const RULES = 256;

export const lolwut = defineCommand({
  name: "lolwut",
  group: "server",
  since: "5.0.0",
  summary: "Draws something, and tells the version",
  complexity: "O(N) in the size of the drawing",
  arity: -1,
  flags: ["readonly", "fast"],
  categories: [],
  keys: [],
  run(ctx) {
    const { reply, request } = ctx;
    // VERSION chooses a drawing in Redis; there is one here, and what follows are its measures.
    let first = request.argc;
    if (request.argc >= 3 && isWord(request, 1, "version")) {
      if (Number.isNaN(intOrReply(ctx, 2))) return DONE;
      first = 3;
    }
    const measures = [DEFAULTS.columns, DEFAULTS.lines, DEFAULTS.rule];
    for (let i = first; i < request.argc && i - first < measures.length; i++) {
      const number = intOrReply(ctx, i);
      if (Number.isNaN(number)) return DONE;
      measures[i - first] = number;
    }
    const [columns, lines, rule] = measures;
    const text = drawing(
      Math.min(MOST_COLUMNS, Math.max(1, columns)),
      Math.min(MOST_LINES, Math.max(1, lines)),
      ((rule % RULES) + RULES) % RULES,
    );
    return reply.verbatim(`${text}\nRule ${rule}. Redis ver. ${REDIS_VERSION}\n`, "txt");
  },
});

function drawing(columns: number, lines: number, rule: number): string {
  let cells: number[] = Array.from({ length: columns }, (_, i) => (i === columns >> 1 ? 1 : 0));
  let text = "";
  for (let line = 0; line < lines; line++) {
    text += `${cells.map((cell) => (cell === 1 ? "#" : " ")).join("")}\n`;
    const above = cells;
    cells = above.map((cell, i) => {
      const left = above[(i + columns - 1) % columns];
      const right = above[(i + 1) % columns];
      return (rule >> ((left << 2) | (cell << 1) | right)) & 1;
    });
  }
  return text;
}

/** Where random tests begin. */

/** Where changes are judged (CI) the same seed each time, lest one be refused for what it has not done; elsewhere
 * another with each run, so that something new is tried. */
export function usualSeed(): number {
  return process.env["CI"] === undefined ? Date.now() : 20_261_121;
}

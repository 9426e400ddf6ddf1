/** Where random tests begin. */

const FIXED_SEED = 20_261_121;

/**
 * The same seed each time, lest a change be refused for what it has not done, unless TSREDIS_TEST_SEED says otherwise:
 * a number, to repeat a run; or `random`, which tries something new.
 */
export function usualSeed(): number {
  const wanted = process.env["TSREDIS_TEST_SEED"];
  if (wanted === undefined) return FIXED_SEED;
  return wanted === "random" ? Date.now() % 2 ** 31 : Number(wanted);
}

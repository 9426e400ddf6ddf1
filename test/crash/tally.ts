/**
 * Counts what simulated lives have met: a run that never lost power, spilled or refused anything has tested nothing.
 */

/** What a run has met, so that a test can tell that it tested something. */
export interface Tally {
  commands: number;
  events: number;
  lost: number;
  kills: number;
  powerCuts: number;
  midCall: number;
  deadStarts: number;
  refusedStarts: number;
  refusals: number;
  rewrites: number;
  spilled: number;
  warmed: number;
  replacedUnread: number;
  shutdowns: number;
}

export function newTally(): Tally {
  return {
    commands: 0,
    events: 0,
    lost: 0,
    kills: 0,
    powerCuts: 0,
    midCall: 0,
    deadStarts: 0,
    refusedStarts: 0,
    refusals: 0,
    rewrites: 0,
    spilled: 0,
    warmed: 0,
    replacedUnread: 0,
    shutdowns: 0,
  };
}

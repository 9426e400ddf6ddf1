/**
 * The part of a snapshot's receiver that is the same for all which take each entry in one go.
 */
import type { SnapshotReceiver } from "../../src/keyspace/snapshot.ts";

export const WHOLE_ENTRIES: Omit<SnapshotReceiver, "entry"> = {
  output: { more: () => false, owes: false, owesValue: () => false },
};

/**
 * What is tortured: each path of the data to the disk and back, with the simulation that goes along it.
 */
import { SeededRandom } from "../../../src/base/random.ts";
import { SimulatedModelDisk } from "../../cold/simulated-model-disk.ts";
import { TierModel } from "../../cold/tier-model.ts";
import { DirectorySimulation } from "../../persistence/aof/directory-simulation.ts";
import { type LogPolicy, runLog } from "../../persistence/aof/writer-simulation.ts";
import { SaveSimulation } from "../save-simulation.ts";
import { type Policy, Simulation } from "../simulation.ts";
import { SnapshotSimulation } from "../snapshot-simulation.ts";
import { newTally } from "../tally.ts";

/** Runs one seed; rejects with what is not as it must be. */
export type TorturePath = (seed: number) => Promise<void>;

const POLICIES: readonly (Policy & LogPolicy)[] = ["always", "everysec", "no", "changing"];
const TIER_STEPS = 120;

export const PATHS = {
  /** Rewrites, which are the checkpoints of the cold tier, while values are spilled and come back. */
  checkpoint: (seed) => new Simulation(seed, policyOf(seed), newTally(), true).run(),
  /** Rewrites and dumps while large values change. */
  rewrite: (seed) => new SnapshotSimulation(seed).run(),
  /** The append-only file: blocks, syncs, new files after failed ones, cuts. */
  rotation: (seed) => runLog(seed, policyOf(seed)),
  /** The cold tier and what leads it back to a checkpoint. */
  undo: async (seed) => {
    const random = new SeededRandom(seed);
    await new TierModel(random, new SimulatedModelDisk(random, seed)).run(TIER_STEPS);
  },
  /** A whole server, its ends and its starts. */
  recovery: (seed) => new Simulation(seed, policyOf(seed)).run(),
  /** Dumps that take the place of older ones. */
  snapshot: (seed) => new SaveSimulation(seed).run(),
  /** The manifest, and the files it names. */
  manifest: (seed) => new DirectorySimulation(seed).run(),
} as const satisfies Record<string, TorturePath>;

export type PathName = keyof typeof PATHS;

export const PATH_NAMES = Object.keys(PATHS) as readonly PathName[];

function policyOf(seed: number): Policy & LogPolicy {
  return POLICIES[seed % POLICIES.length];
}

/** Gives the property tests their seed; runs before each test file (vitest.config.ts). A failure prints the seed. */
import fc from "fast-check";
import { usualSeed } from "./seed.ts";

fc.configureGlobal({ seed: usualSeed() });

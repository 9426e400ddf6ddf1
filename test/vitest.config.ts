/**
 * How the tests are run: in processes of their own, because some start servers and simulate crashes.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/property-seed.ts"],
    testTimeout: 120_000,
    // Vitest's own is a second, and so long a busy machine may stand still.
    expect: { poll: { timeout: 60_000, interval: 20 } },
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});

/**
 * Goal: what is left of a dead server has no part in the life of the next one, so that what the simulations find is
 * that server's doing. Method: the last thing that a server waits for fails only because it is killed, and the next
 * one could be starting already when the rest of its program goes on.
 */
import { expect, it } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type { Server } from "../../src/server/server.ts";
import { startServer } from "../../src/server/start.ts";
import { SilentClient } from "./silent-client.ts";
import { configOf, SimulatedWorld } from "./simulated-world.ts";

const PATIENCE_TURNS = 2000;
const SEEDS = 20;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Writes until a batch for the tier is under way, and then asks for a rewrite, which waits for it. */
async function rewriteDuringBatch(server: Server): Promise<void> {
  const client = new SilentClient(server);
  for (let turn = 0; server.spiller?.writing !== true; turn++) {
    if (turn > PATIENCE_TURNS) throw new Error("nothing is spilled");
    client.request(["SET", `key:${turn}`, "x".repeat(150)]);
    server.cron.run();
    await nextTurn();
  }
  client.request(["BGREWRITEAOF"]);
  // In which it may open its file; only then does it wait for the batch, if that is still under way.
  for (let turn = 0; turn < 2; turn++) await nextTurn();
}

it("a rewrite that waits for a batch at the kill opens no file in the next life", async () => {
  let waiting = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new SimulatedWorld(seed, new SeededRandom(seed));
    const server = await startServer(world.ofProcess(), configOf({ databases: "2", maxmemory: "32kb" }));
    server.budget.measureOverhead = () => {};
    await rewriteDuringBatch(server);
    if (server.spiller!.writing && server.aof.isRewriting) waiting++;
    world.kill();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect([world.process.callCount, world.disk.openFiles], `seed ${seed}`).toEqual([0, 0]);
  }
  // A kill that met none of this has tested nothing.
  expect(waiting).toBeGreaterThan(SEEDS / 20);
});

it("a dead server finds no store, no time and no log", async () => {
  const world = new SimulatedWorld(1, new SeededRandom(1));
  const own = world.ofProcess();
  own.log.notice("alive");
  await own.openStore("/store");
  const sleeping = own.sleep!(1);
  world.kill();
  let answered = 0;
  const count = (): void => {
    answered++;
  };
  sleeping.then(count, count);
  own.sleep!(1).then(count, count);
  own.openStore("/store").then(count, count);
  own.files.removeTree("/store").then(count, count);
  own.log.warning("dead");
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  expect(answered).toBe(0);
  expect(world.logged).toEqual(["alive"]);
  // It is there, and nobody has it open.
  expect(await world.disk.stat("/store")).toMatchObject({ isDirectory: true });
  await world.ofProcess().openStore("/store");
});

/**
 * The allocator: freeing an object at random and allocating one of another size, with a hundred thousand in
 * use.
 */
import { SeededRandom } from "../../src/base/random.ts";
import { MAX_OBJECT_BYTES, Slabs } from "../../src/memory/slabs.ts";
import { consume, type MicroTask } from "./task.ts";

const OBJECTS = 100_000;
const EXCHANGES = 10_000;

export function slabTasks(): readonly MicroTask[] {
  return [
    exchange("allocator: free and allocate, 96 B", 96, 96),
    exchange("allocator: free and allocate, 16 B to 512 B mixed", 16, 512),
    exchange("allocator: free and allocate, 16 B to 8 KB mixed", 16, MAX_OBJECT_BYTES),
  ];
}

function exchange(name: string, minimumBytes: number, maximumBytes: number): MicroTask {
  const random = new SeededRandom(2);
  const slabs = new Slabs();
  const size = () => minimumBytes + random.below(maximumBytes - minimumBytes + 1);
  const objects = Int32Array.from({ length: OBJECTS }, () => slabs.allocate(size()));
  // Drawn beforehand: the generator would cost as much as the allocator.
  const places = Int32Array.from({ length: EXCHANGES }, () => random.below(OBJECTS));
  const sizes = Int32Array.from({ length: EXCHANGES }, size);
  return {
    name,
    operations: EXCHANGES,
    run() {
      for (let i = 0; i < EXCHANGES; i++) {
        const place = places[i];
        slabs.free(objects[place]);
        objects[place] = slabs.allocate(sizes[i]);
      }
      consume(objects[places[0]] + slabs.allocatedBytes);
      return undefined;
    },
  };
}

/** The members of a set against a JavaScript Set, over random changes, across the limit of intsets. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { NewSet } from "../../../src/types/set/new-set.ts";
import { INTSET } from "../../../src/types/set/set-encoding.ts";
import { SetMembers } from "../../../src/types/set/set-members.ts";
import { newValueMemory } from "../../support/value-memory.ts";

function presentOf({ buffer, start, length }: SetMembers): string {
  return buffer.toString("latin1", start, start + length);
}

function allOf(members: SetMembers): string[] {
  const all: string[] = [];
  members.begin();
  while (members.next()) all.push(presentOf(members));
  return all;
}

function member(random: SeededRandom, textShare: number): string {
  const number = random.below(60) - 10;
  if (random.below(100) < textShare) return `text ${number}`;
  return random.below(10) === 0 ? String(BigInt(number) * 10n ** 17n) : String(number);
}

describe("SetMembers", () => {
  it("holds what was added and not removed; an intset while all are integers and few", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(0, 1, 20),
        fc.constantFrom(0, 5, 40, 512),
        (seed, operations, textShare, limit) => {
          const random = new SeededRandom(seed);
          const memory = newValueMemory();
          memory.limits.setMaxIntsetEntries = limit;
          const made = new NewSet().begin();
          const members = new SetMembers(memory).open(made);
          const model = new Set<string>();
          let mayBeIntset = true;
          for (let i = 0; i < operations; i++) {
            const text = member(random, textShare);
            const bytes = Buffer.from(`(${text})`);
            const isThere = members.find(bytes, 1, text.length);
            expect(isThere).toBe(model.has(text));
            if (random.below(3) === 0) {
              if (isThere) members.remove();
              model.delete(text);
            } else {
              if (!isThere) members.add();
              model.add(text);
              if (text.startsWith("t") || model.size > limit) mayBeIntset = false;
            }
            expect(members.size).toBe(model.size);
          }
          expect(made.encoding === INTSET).toBe(mayBeIntset);
          expect(allOf(members).sort()).toEqual([...model].sort());
          checkVisits(members, model, random);
          while (made.root !== 0 && !members.table.disposeStep(made.takeRoot(), Number.MAX_SAFE_INTEGER));
          expect(memory.entries.allocatedBytes).toBe(0);
        },
      ),
    );
  });

  it("finds the present member of another set, and takes it over", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.boolean(), fc.boolean(), (seed, isFirstText, isSecondText) => {
        const random = new SeededRandom(seed);
        const memory = newValueMemory();
        const [first, second] = [isFirstText, isSecondText].map((hasText) => {
          const members = new SetMembers(memory).open(new NewSet().begin());
          for (let i = 0; i < 30; i++) {
            const text = Buffer.from(member(random, hasText ? 30 : 0));
            if (!members.find(text, 0, text.length)) members.add();
          }
          return members;
        });
        const [firstModel, secondModel] = [new Set(allOf(first)), new Set(allOf(second))];
        first.begin();
        while (first.next()) {
          const isInBoth = secondModel.has(presentOf(first));
          expect(second.findPresentOf(first)).toBe(isInBoth);
          if (isInBoth) second.remove();
          else second.add();
        }
        const difference = [...firstModel, ...secondModel].filter(
          (text) => firstModel.has(text) !== secondModel.has(text),
        );
        expect(allOf(second).sort()).toEqual(difference.sort());
      }),
    );
  });
});

/** Random members, samples and scans show members, and all that they should. */
function checkVisits(members: SetMembers, model: ReadonlySet<string>, random: SeededRandom): void {
  if (model.size === 0) return;
  members.openRandom(random);
  expect(model.has(presentOf(members))).toBe(true);
  const count = random.below(model.size);
  const sampled: string[] = [];
  members.sample(count, random, () => sampled.push(presentOf(members)));
  expect(new Set(sampled).size).toBe(count);
  expect(sampled.every((text) => model.has(text))).toBe(true);
  const scanned: string[] = [];
  let cursor = 0;
  do cursor = members.scan(cursor, 3, () => scanned.push(presentOf(members)));
  while (cursor !== 0);
  expect(scanned.sort()).toEqual([...model].sort());
}

/**
 * HRANDFIELD and HSCAN, whose replies are not determined: what must hold of them whatever is drawn, and that each field
 * is as likely as another.
 */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { ReplyTooLargeError } from "../../../src/protocol/reply-writer.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { usualSeed } from "../../support/seed.ts";
import { newHashHarness } from "./harness.ts";

const FIELDS = 60;
/** A mean of so many for each field; one is off by half of that once in some 10^40 runs. */
const DRAWN_FOR_EACH = 600;
const FORMS = [
  { form: "a listpack", entries: 512 },
  { form: "a table", entries: 0 },
];

function newHash(entries: number, fields = FIELDS): CommandHarness {
  const harness = newHashHarness({ entries, random: new SeededRandom(usualSeed()) });
  for (let i = 0; i < fields; i++) harness.run("HSET", "h", i % 2 === 0 ? `f${i}` : i, `v${i}`);
  return harness;
}

/** All bulk strings of a reply. */
function bulks(reply: string): string[] {
  return reply.split("\r\n").filter((_line, i, lines) => i > 0 && lines[i - 1].startsWith("$"));
}

function numberOf(name: string): number {
  return Number(name.replace("f", ""));
}

describe.each(FORMS)("of $form", ({ entries }) => {
  test.each([
    [
      "one at a time",
      (harness: CommandHarness) =>
        Array.from({ length: 10 }, () => bulks(harness.text("HRANDFIELD", "h"))).flat(),
    ],
    ["several, perhaps the same", (harness: CommandHarness) => bulks(harness.text("HRANDFIELD", "h", "-40"))],
    ["few different ones", (harness: CommandHarness) => bulks(harness.text("HRANDFIELD", "h", "7"))],
    ["many different ones", (harness: CommandHarness) => bulks(harness.text("HRANDFIELD", "h", "50"))],
  ])("each field is as likely as another: %s", (_name, draw) => {
    const harness = newHash(entries);
    const drawn = Array.from({ length: FIELDS }, () => 0);
    let total = 0;
    while (total < DRAWN_FOR_EACH * FIELDS) {
      for (const name of draw(harness)) {
        drawn[numberOf(name)]++;
        total++;
      }
    }
    const mean = total / FIELDS;
    for (const count of drawn) {
      expect(count).toBeGreaterThan(mean / 2);
      expect(count).toBeLessThan(mean * 1.5);
    }
  });

  test("the number of fields, their values, and whether some may be the same", () => {
    const harness = newHash(entries);
    for (const count of [1, 2, 15, 25, 59, 60, 61, 1000]) {
      const names = bulks(harness.text("HRANDFIELD", "h", String(count)));
      expect(names.length).toBe(Math.min(count, FIELDS));
      expect(new Set(names).size).toBe(names.length);
      for (const wanted of [count, -count]) {
        harness.client.resp = 2;
        const pairs = harness.text("HRANDFIELD", "h", String(wanted), "WITHVALUES");
        const size = wanted < 0 ? count : Math.min(count, FIELDS);
        expect(pairs.startsWith(`*${2 * size}\r\n`)).toBe(true);
        const found = bulks(pairs);
        expect(found.length).toBe(2 * size);
        for (let i = 0; i < found.length; i += 2) expect(found[i + 1]).toBe(`v${numberOf(found[i])}`);
        harness.client.resp = 3;
        const nested = harness.text("HRANDFIELD", "h", String(wanted), "WITHVALUES");
        expect(nested.startsWith(`*${size}\r\n*2\r\n$`)).toBe(true);
        expect(bulks(nested).length).toBe(2 * size);
      }
    }
    expect(harness.text("HRANDFIELD", "h", "0")).toBe("*0\r\n");
  });

  test("more than any reply holds is refused at once", () => {
    const harness = newHash(entries);
    for (const count of ["-1000000000", "-9223372036854775807"])
      expect(() => harness.run("HRANDFIELD", "h", count)).toThrow(ReplyTooLargeError);
  });
});

describe("HSCAN", () => {
  function scanAll(harness: CommandHarness, options: string[], meanwhile: () => void): Map<string, string> {
    const seen = new Map<string, string>();
    let cursor = "0";
    do {
      const [next, ...found] = bulks(harness.text("HSCAN", "h", cursor, ...options));
      for (let i = 0; i < found.length; i += 2) seen.set(found[i], found[i + 1]);
      cursor = next;
      meanwhile();
    } while (cursor !== "0");
    return seen;
  }

  test("of a listpack: all at once, whatever the cursor", () => {
    const harness = newHash(512);
    const reply = harness.text("HSCAN", "h", "12345", "COUNT", "1");
    expect(reply.startsWith(`*2\r\n$1\r\n0\r\n*${2 * FIELDS}\r\n`)).toBe(true);
  });

  test("of a table: fields that are there all the time are seen, whatever comes and goes", () => {
    const harness = newHash(0, 1000);
    const random = new SeededRandom(usualSeed());
    let steps = 0;
    const seen = scanAll(harness, ["COUNT", "5"], () => {
      steps++;
      for (let i = 0; i < 20; i++) {
        harness.staysInMemoryBecause = i < 19 ? "once a step is often enough" : "";
        const other = `other${random.below(3000)}`;
        if (random.below(3) === 0) harness.run("HDEL", "h", other);
        else harness.run("HSET", "h", other, "x");
      }
    });
    expect(steps).toBeGreaterThan(50);
    for (let i = 0; i < 1000; i++) expect(seen.get(i % 2 === 0 ? `f${i}` : String(i))).toBe(`v${i}`);
  });

  test("MATCH looks at names", () => {
    for (const entries of [0, 512]) {
      const harness = newHash(entries);
      const seen = scanAll(harness, ["MATCH", "f1*"], () => {});
      expect([...seen.keys()].sort()).toEqual(["f10", "f12", "f14", "f16", "f18"]);
    }
  });

  test("a cursor that no walk has handed out ends", () => {
    const harness = newHash(0);
    for (const cursor of ["4294967296", "18446744073709551615"])
      expect(harness.text("HSCAN", "h", cursor)).toBe("*2\r\n$1\r\n0\r\n*0\r\n");
  });
});

/**
 * Random commands on hashes whose fields expire, while time goes on, against a plain model; across the limits between
 * the forms, with active expiry and with values that leave memory. The log, repeated at once on an empty keyspace,
 * gives the same fields with the same times.
 */
import { expect, test } from "vitest";
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import { ActiveExpiry } from "../../../src/keyspace/expiry.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { usualSeed } from "../../support/seed.ts";
import { spillAll } from "../../support/spill-mode.ts";
import { newHashHarness } from "./harness.ts";

const SEEDS = 40;
const STEPS = 250;
const KEYS = ["h", "other"];
/** Of small hashes, and how many fields there are. */
const SIZES = [
  { entries: 512, fields: 8 },
  { entries: 5, fields: 9 },
  { entries: 0, fields: 6 },
  { entries: 20, fields: 200 },
];
const NONE = 0;

interface Field {
  value: string;
  /** Unix milliseconds, or NONE. */
  time: number;
}

type Hash = Map<string, Field>;

/** What the server should hold. A field whose time has come is none. */
class Model {
  readonly hashes = new Map<string, Hash>(KEYS.map((key) => [key, new Map()]));
  private readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** Fields whose time came, and that nobody has set or removed since: they may still be in memory. */
  private readonly ghosts = new Map<string, Set<string>>(KEYS.map((key) => [key, new Set()]));

  live(key: string): Hash {
    const hash = this.hashes.get(key)!;
    for (const [name, { time }] of hash) {
      if (time === NONE || time > this.nowMs()) continue;
      hash.delete(name);
      this.ghosts.get(key)!.add(name);
    }
    return hash;
  }

  /** How many of the fields may still be in memory. They are forgotten. */
  takeGhosts(key: string, names: readonly string[]): number {
    return names.filter((name) => this.ghosts.get(key)!.delete(name)).length;
  }

  /** As COPY does. */
  copy(key: string, target: string): void {
    this.hashes.set(target, new Map([...this.live(key)].map(([name, field]) => [name, { ...field }])));
    this.ghosts.set(target, new Set(this.ghosts.get(key)));
  }
}

class Steps {
  private readonly harness: CommandHarness;
  private readonly model: Model;
  private readonly random: Random;
  private readonly fields: number;

  constructor(harness: CommandHarness, model: Model, random: Random, fields: number) {
    this.harness = harness;
    this.model = model;
    this.random = random;
    this.fields = fields;
  }

  next(): void {
    this.pick(this.steps)(this.pick(KEYS));
  }

  private readonly steps: readonly ((key: string) => void)[] = [
    (key) => this.set(key, 1 + this.random.below(4)),
    (key) => this.set(key, 1),
    (key) => this.setOnce(key),
    (key) => this.remove(key),
    (key) => this.count(key),
    (key) => this.get(key),
    (key) => this.setTime(key),
    (key) => this.setTime(key),
    (key) => this.setTime(key),
    (key) => this.setTime(key),
    (key) => this.persist(key),
    (key) => this.tellTimes(key),
    (key) => this.listAll(key),
    (key) => this.draw(key),
    (key) => this.copy(key),
    () => this.harness.clock.advance(this.random.below(40)),
    () => this.harness.clock.advance(this.random.below(4)),
    () => this.expire(),
    () => spillAll(this.harness.keyspace),
  ];

  private set(key: string, count: number): void {
    const hash = this.model.live(key);
    const names = Array.from({ length: count }, () => this.name());
    const values = names.map(() => this.value());
    const added = new Set(names.filter((name) => !hash.has(name))).size;
    const reply = this.harness.text("HSET", key, ...names.flatMap((name, i) => [name, values[i]]));
    this.expectBetween(added - this.model.takeGhosts(key, names), added, reply);
    for (const [i, name] of names.entries()) hash.set(name, { value: values[i], time: NONE });
  }

  private setOnce(key: string): void {
    const hash = this.model.live(key);
    const [name, value] = [this.name(), this.value()];
    this.expectReply(hash.has(name) ? ":0" : ":1", "HSETNX", key, name, value);
    if (!hash.has(name)) hash.set(name, { value, time: NONE });
  }

  private remove(key: string): void {
    const hash = this.model.live(key);
    const names = [this.name(), this.name(), this.name()];
    const removed = new Set(names.filter((name) => hash.has(name))).size;
    const reply = this.harness.text("HDEL", key, ...names);
    this.expectBetween(removed, removed + this.model.takeGhosts(key, names), reply);
    for (const name of names) hash.delete(name);
  }

  private count(key: string): void {
    const hash = this.model.live(key);
    const name = this.name();
    const field = hash.get(name);
    const isFloat = this.random.below(3) === 0;
    const sum = Number(field?.value ?? 0) + 7;
    const reply = this.harness.text(isFloat ? "HINCRBYFLOAT" : "HINCRBY", key, name, "7").trim();
    if (Number.isNaN(sum)) {
      expect(reply).toMatch(/^-ERR hash value is not/);
      return;
    }
    expect(reply.split("\r\n").at(-1)!.replace(":", "")).toBe(String(sum));
    hash.set(name, { value: String(sum), time: field?.time ?? NONE });
  }

  private get(key: string): void {
    const hash = this.model.live(key);
    const name = this.name();
    const value = hash.get(name)?.value;
    this.expectReply(value === undefined ? "$-1" : `$${value.length}\r\n${value}`, "HGET", key, name);
    this.expectReply(`:${value?.length ?? 0}`, "HSTRLEN", key, name);
  }

  private setTime(key: string): void {
    const hash = this.model.live(key);
    const names = [this.name(), this.name(), this.name(), this.name()].slice(this.random.below(3));
    const after = this.random.below(12) === 0 ? 0 : 1 + this.random.below(100);
    const time = this.harness.clock.nowMs + after;
    const condition = this.pick(["", "", "NX", "XX", "GT", "LT"]);
    const expected = names.map((name) => {
      const field = hash.get(name);
      if (field === undefined) return -2;
      const has = field.time !== NONE;
      if (condition === "NX" && has) return 0;
      if ((condition === "XX" || condition === "GT") && !has) return 0;
      if (condition === "GT" && time <= field.time) return 0;
      if (condition === "LT" && has && time >= field.time) return 0;
      if (after === 0) hash.delete(name);
      else field.time = time;
      return after === 0 ? 2 : 1;
    });
    const options = condition === "" ? [] : [condition];
    const isAbsolute = this.random.below(2) === 0;
    this.expectIntegers(expected, [
      isAbsolute ? "HPEXPIREAT" : "HPEXPIRE",
      key,
      String(isAbsolute ? time : after),
      ...options,
      "FIELDS",
      String(names.length),
      ...names,
    ]);
  }

  private persist(key: string): void {
    const hash = this.model.live(key);
    const name = this.name();
    const time = hash.get(name)?.time;
    this.expectIntegers(
      [time === undefined ? -2 : time === NONE ? -1 : 1],
      ["HPERSIST", key, "FIELDS", "1", name],
    );
    if (time !== undefined) hash.get(name)!.time = NONE;
  }

  private tellTimes(key: string): void {
    const hash = this.model.live(key);
    const names = [this.name(), this.name()];
    const times = names.map((name) => hash.get(name)?.time);
    const expected = times.map((time) => (time === undefined ? -2 : time === NONE ? -1 : time));
    this.expectIntegers(expected, ["HPEXPIRETIME", key, "FIELDS", "2", ...names]);
  }

  private listAll(key: string): void {
    expectSameFields(this.harness, key, this.model.live(key));
    const size = Number(this.harness.text("HLEN", key).slice(1));
    expect(size).toBeGreaterThanOrEqual(this.model.live(key).size);
  }

  private draw(key: string): void {
    const names = new Set(this.model.live(key).keys());
    const drawn = bulksOf(this.harness.text("HRANDFIELD", key, "3"));
    expect(drawn.length).toBe(Math.min(3, names.size));
    expect(new Set(drawn).size).toBe(drawn.length);
    for (const name of drawn) expect(names).toContain(name);
    // All that were due have gone.
    this.expectReply(`:${names.size}`, "HLEN", key);
  }

  private copy(key: string): void {
    if (this.random.below(4) !== 0) return;
    const target = KEYS.find((each) => each !== key)!;
    const hash = this.model.live(key);
    const reply = this.harness.text("COPY", key, target, "REPLACE");
    if (reply === ":0\r\n") expect(hash.size).toBe(0);
    else this.model.copy(key, target);
  }

  private expire(): void {
    this.harness.keyspace.refreshClock();
    new ActiveExpiry(this.harness.keyspace).hotCycle(1000);
  }

  private expectBetween(least: number, most: number, reply: string): void {
    expect(Number(reply.slice(1))).toBeGreaterThanOrEqual(least);
    expect(Number(reply.slice(1))).toBeLessThanOrEqual(most);
  }

  private expectReply(expected: string, ...request: string[]): void {
    expect(this.harness.text(...request), request.join(" ")).toBe(`${expected}\r\n`);
  }

  private expectIntegers(expected: readonly number[], request: readonly string[]): void {
    const lines = expected.map((integer) => `:${integer}\r\n`);
    expect(this.harness.text(...request), request.join(" ")).toBe(`*${lines.length}\r\n${lines.join("")}`);
  }

  private name(): string {
    const number = this.random.below(this.fields);
    return number % 3 === 0 ? String(number) : `field${number}`;
  }

  private value(): string {
    const { random } = this;
    if (random.below(30) === 0) return "x".repeat(this.pick([63, 64, 65, 300]));
    return random.below(4) === 0 ? "text" : String(random.below(100_000));
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

/** The bulk strings of a reply without line ends in them. */
function bulksOf(reply: string): string[] {
  return reply.split("\r\n").filter((_line, i, lines) => i > 0 && lines[i - 1].startsWith("$"));
}

function expectSameFields(harness: CommandHarness, key: string, hash: Hash): void {
  const lines = bulksOf(harness.text("HGETALL", key));
  const actual = new Map<string, string>();
  for (let i = 0; i < lines.length; i += 2) actual.set(lines[i], lines[i + 1]);
  expect(actual).toEqual(new Map([...hash].map(([name, { value }]) => [name, value])));
}

test("fields expire as in the model", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const size = SIZES[seed % SIZES.length];
    const harness = newHashHarness({ entries: size.entries });
    const model = new Model(() => harness.clock.nowMs);
    const steps = new Steps(harness, model, new SeededRandom(seed), size.fields);
    try {
      for (let i = 0; i < STEPS; i++) steps.next();
      for (const key of KEYS) expectSameFields(harness, key, model.live(key));
      expectReplayed(harness, model);
      expectNothingLeft(harness);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

/** The log, without expiry meanwhile, leaves what the model has. */
function expectReplayed(harness: CommandHarness, model: Model): void {
  const copy = newHashHarness();
  copy.keyspace.expiring = false;
  for (const effect of harness.effects) expect(copy.text(...effect)).not.toMatch(/^-/);
  copy.keyspace.expiring = true;
  copy.clock.advance(harness.clock.nowMs - copy.clock.nowMs);
  for (const key of KEYS) {
    const hash = model.live(key);
    expectSameFields(copy, key, hash);
    for (const [name, { time }] of hash) {
      const expected = time === NONE ? -1 : time;
      expect(copy.text("HPEXPIRETIME", key, "FIELDS", "1", name)).toBe(`*1\r\n:${expected}\r\n`);
    }
  }
}

/** No memory is kept when all keys are gone. */
function expectNothingLeft(harness: CommandHarness): void {
  harness.run("DEL", ...KEYS);
  while (harness.keyspace.freeRetired(1000));
  expect(harness.db.timedHashes.size).toBe(0);
  expect(harness.keyspace.entries.allocatedBytes).toBe(newHashHarness().keyspace.entries.allocatedBytes);
}

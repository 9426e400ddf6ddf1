/**
 * Random commands on positions: every command and option, right and wrong arguments, positions all over the earth and
 * close together, at the ends of the ranges and at one and the same place. Deterministic for a seed.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const UNITS = ["m", "km", "mi", "ft", "KM"];
const EDGES = ["180", "-180", "85.05112878", "-85.05112878", "0", "179.9999999", "-85.0511287", "85.05"];
const OUTSIDE = ["181", "-180.0001", "86", "-90", "inf", "-inf", "1e300", "nan", "x", ""];
const NOT_LENGTHS = ["x", "", "-1", "nan", " 1"];
const PLACES = 40;

export class GeoCommandGenerator {
  readonly keys: readonly string[] = ["g1", "g2", "to", "scores", "string", "none"];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  next(): Argument[] {
    const request = this.pick(this.makers)();
    request[0] = this.random.below(2) === 0 ? request[0] : String(request[0]).toLowerCase();
    return request;
  }

  /** Searches of all kinds, which change nothing. */
  search(): Argument[] {
    return this.pick(this.searches)();
  }

  /** Members in a small area, many of them at the same places. */
  crowd(members: number): Argument[] {
    const longitude = this.real(-179, 179);
    const latitude = this.real(-84, 84);
    const request: Argument[] = ["GEOADD", "g1"];
    for (let i = 0; i < members; i++) {
      const place = this.random.below(PLACES);
      request.push(longitude + (place % 7) / 100, latitude + (place % 5) / 100, `member${i}`);
    }
    return request.map((arg) => (typeof arg === "number" ? arg.toFixed(6) : arg));
  }

  private readonly searches: readonly (() => Argument[])[] = [
    () => ["GEOSEARCH", this.key(), ...this.area(), ...this.searchOptions()],
    () => ["GEOSEARCH", this.key(), ...this.area(), ...this.searchOptions()],
    () => ["GEORADIUS", this.key(), ...this.position(), ...this.radius(), ...this.searchOptions()],
    () => ["GEORADIUS_RO", this.key(), ...this.position(), ...this.radius(), ...this.searchOptions()],
    () => ["GEORADIUSBYMEMBER", this.key(), this.member(), ...this.radius(), ...this.searchOptions()],
    () => ["GEORADIUSBYMEMBER_RO", this.key(), this.member(), ...this.radius(), ...this.searchOptions()],
  ];

  private readonly makers: readonly (() => Argument[])[] = [
    ...this.searches,
    () => [
      "GEOADD",
      this.key(),
      ...this.addOptions(),
      ...this.many(() => [...this.position(), this.member()]),
    ],
    () => ["GEOADD", this.key(), ...this.many(() => [...this.position(), this.member()])],
    () => ["GEOADD", this.key(), ...this.many(() => [...this.position(), this.member()])],
    () => ["ZADD", "scores", this.score(), this.member()],
    () => ["GEOPOS", this.key(), ...this.many(() => [this.member()])],
    () => ["GEOHASH", this.key(), ...this.many(() => [this.member()])],
    () => ["GEODIST", this.key(), this.member(), this.member(), ...this.maybe(() => [this.unit()])],
    () => ["GEOSEARCHSTORE", this.target(), this.key(), ...this.area(), ...this.storeOptions()],
    () => [
      "GEORADIUS",
      this.key(),
      ...this.position(),
      ...this.radius(),
      ...this.storeOptions(),
      "STORE",
      "to",
    ],
    () => [
      "GEORADIUSBYMEMBER",
      this.key(),
      this.member(),
      ...this.radius(),
      "STORE",
      this.target(),
      ...this.searchOptions(),
    ],
    () => ["ZREM", this.key(), ...this.many(() => [this.member()])],
    () => ["ZRANGE", this.key(), "0", "-1", "WITHSCORES"],
  ];

  private key(): string {
    return this.random.below(20) === 0
      ? this.pick(["string", "none"])
      : this.pick(["g1", "g1", "g2", "scores"]);
  }

  private target(): string {
    return this.pick(["to", "to", "g2", "string"]);
  }

  private member(): string {
    return this.random.below(15) === 0 ? "absent" : `m${this.random.below(30)}`;
  }

  private position(): string[] {
    const { random } = this;
    if (random.below(30) === 0) return [this.pick(OUTSIDE), this.pick(EDGES)];
    if (random.below(30) === 0) return [this.pick(EDGES), this.pick(OUTSIDE)];
    if (random.below(10) === 0)
      return [this.pick(EDGES), this.pick(["85.05112878", "-85.05112878", "0", "1"])];
    if (random.below(3) === 0) return [this.real(13, 15).toFixed(4), this.real(37, 39).toFixed(4)];
    return [
      this.real(-180, 180).toFixed(this.random.below(15)),
      this.real(-85, 85).toFixed(this.random.below(15)),
    ];
  }

  private real(from: number, to: number): number {
    return from + ((to - from) * this.random.next()) / 2 ** 32;
  }

  private unit(): string {
    return this.random.below(20) === 0 ? this.pick(["x", "", "metres"]) : this.pick(UNITS);
  }

  private length(): string {
    const { random } = this;
    if (random.below(30) === 0) return this.pick(NOT_LENGTHS);
    return (10 ** (random.below(80) / 10) * 0.9).toFixed(random.below(4));
  }

  private radius(): string[] {
    return [this.length(), this.unit()];
  }

  private area(): string[] {
    const { random } = this;
    const center = random.below(2) === 0 ? ["FROMMEMBER", this.member()] : ["FROMLONLAT", ...this.position()];
    const shape =
      random.below(2) === 0
        ? ["BYRADIUS", ...this.radius()]
        : ["BYBOX", this.length(), this.length(), this.unit()];
    const parts = random.below(2) === 0 ? [...center, ...shape] : [...shape, ...center];
    if (random.below(20) === 0) return [...parts, ...center];
    return random.below(20) === 0 ? parts.slice(0, random.below(parts.length)) : parts;
  }

  private countOption(): string[] {
    const any = this.random.below(4) === 0 ? ["ANY"] : [];
    const count =
      this.random.below(30) === 0 ? this.pick(["0", "-1", "x"]) : String(1 + this.random.below(12));
    return this.random.below(3) === 0 ? ["COUNT", count, ...any] : this.random.below(40) === 0 ? ["ANY"] : [];
  }

  private order(): string[] {
    return this.random.below(2) === 0 ? [this.pick(["ASC", "DESC", "asc"])] : [];
  }

  private searchOptions(): string[] {
    const details = ["WITHDIST", "WITHCOORD", "WITHHASH"].filter(() => this.random.below(3) === 0);
    const wrong = this.random.below(40) === 0 ? [this.pick(["x", "STOREDIST", "COUNT", "BYBOX"])] : [];
    return [...details, ...this.order(), ...this.countOption(), ...wrong];
  }

  private storeOptions(): string[] {
    const wrong = this.random.below(20) === 0 ? [this.pick(["WITHDIST", "x", "STORE"])] : [];
    return [...this.order(), ...this.countOption(), ...wrong];
  }

  private addOptions(): string[] {
    return ["NX", "XX", "CH"].filter(() => this.random.below(3) === 0);
  }

  /** Scores that GEOADD does not make. */
  private score(): string {
    const random = String(this.random.next() * 2 ** this.random.below(40));
    return this.pick([
      "0",
      "-1",
      "1.5",
      "inf",
      "-inf",
      "1e19",
      "9223372036854775808",
      "-1e19",
      "1e10",
      random,
    ]);
  }

  private many(make: () => string[]): string[] {
    return Array.from({ length: 1 + this.random.below(3) }, make).flat();
  }

  private maybe(make: () => string[]): string[] {
    return this.random.below(2) === 0 ? make() : [];
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

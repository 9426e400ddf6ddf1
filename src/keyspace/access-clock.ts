/**
 * The 24 bits that tell how recently (LRU) or how often (LFU) an entry was used, with Redis's meanings, so that
 * OBJECT IDLETIME, OBJECT FREQ and the eviction policies behave alike.
 *   LRU: seconds, modulo 2^24 (194 days).
 *   LFU: bits 8-23 minutes (modulo 2^16) of the last decrement, bits 0-7 a logarithmic counter.
 */
import type { Random } from "../base/random.ts";

const LRU_MASK = 0xff_ffff;
/** A new key starts with some credit, lest it is evicted before its second use. */
const LFU_INITIAL = 5;
const RECENT_SECONDS = 1;

export class AccessClock {
  /** Whether the policy in force counts frequency; else recency. */
  lfu = false;
  lfuLogFactor = 10;
  lfuDecayMinutes = 1;
  private seconds = 0;
  private readonly random: Random;

  constructor(random: Random, nowMs: number) {
    this.random = random;
    this.refresh(nowMs);
  }

  refresh(nowMs: number): void {
    this.seconds = Math.floor(nowMs / 1000);
  }

  /** Bits of an entry created now. */
  initial(): number {
    return this.lfu ? (this.minutes() << 8) | LFU_INITIAL : this.seconds & LRU_MASK;
  }

  /** New bits of an entry used now. */
  touched(access: number): number {
    if (!this.lfu) return this.seconds & LRU_MASK;
    return (this.minutes() << 8) | this.incremented(this.frequency(access));
  }

  /** Seconds since the last use (LRU). */
  idleSeconds(access: number): number {
    return (this.seconds - access) & LRU_MASK;
  }

  /** The counter (LFU) after the decay that time has brought. */
  frequency(access: number): number {
    const elapsed = (this.minutes() - (access >>> 8)) & 0xffff;
    const periods = this.lfuDecayMinutes > 0 ? Math.floor(elapsed / this.lfuDecayMinutes) : 0;
    return Math.max(0, (access & 0xff) - periods);
  }

  /** Whether the entry was used within the last second or two; where uses are counted (LFU), within this minute. */
  isRecent(access: number): boolean {
    return this.lfu ? access >>> 8 === this.minutes() : this.idleSeconds(access) <= RECENT_SECONDS;
  }

  /** Bits of an entry last used `seconds` ago (LRU). */
  withIdle(seconds: number): number {
    return (this.seconds - seconds) & LRU_MASK;
  }

  /** Bits of an entry with the given counter (LFU). */
  withFrequency(frequency: number): number {
    return (this.minutes() << 8) | frequency;
  }

  /** How much the policy would like to see the entry go: larger goes first. */
  coldness(access: number): number {
    return this.lfu ? 255 - this.frequency(access) : this.idleSeconds(access);
  }

  private minutes(): number {
    return Math.floor(this.seconds / 60) & 0xffff;
  }

  /** The higher the counter, the less likely a use is to raise it: 255 stands for a million uses at factor 10. */
  private incremented(counter: number): number {
    if (counter === 255) return 255;
    const above = Math.max(0, counter - LFU_INITIAL);
    return this.random.next() / 0x1_0000_0000 < 1 / (above * this.lfuLogFactor + 1) ? counter + 1 : counter;
  }
}

/**
 * LATENCY DOCTOR: what the latency monitor has seen, in words, and what may help.
 */
import type { LatencySample, LatencySeries, ServerServices } from "../services.ts";

/** What to do about events of each kind. */
const ADVICE: Readonly<Record<string, readonly string[]>> = {
  command: [
    "Look into the slow log (SLOWLOG GET) for the commands that take long, and at how large their keys are.",
    "Divide very large keys into several: a command on one of them holds up all clients.",
  ],
  "fast-command": [
    "Commands that cannot take long did. The process did not get its time: lower the load of the machine, and see" +
      " whether others on it take its processors (redis-cli --intrinsic-latency 100 measures that).",
  ],
  "command-unblocking": [
    "Clients that waited got much at once: let blocking commands ask for less at a time.",
  ],
  "aof-write": ["The disk is slow to take writes: use a local one, and keep others from writing to it."],
  "aof-fsync-always": [
    "Each write waits for the disk. A disk with a cache that survives a power cut makes that quick; with" +
      " 'appendfsync everysec' up to a second of writes may be lost in a power cut, and nothing waits.",
  ],
  "expire-cycle": ["Many keys expire together: spread their times, or raise 'hz' to have fewer at a time."],
  "eviction-cycle": ["Much memory had to be freed at once: lower 'maxmemory' in small steps."],
  "cold-read": [
    "Scripts and transactions used cold keys that they had not declared, and everybody waited for the disk: declare" +
      " them, or keep them in memory (TIER PIN).",
  ],
  "spill-cycle": [
    "To choose and pack what leaves memory took long: large values do. Divide them into several keys.",
  ],
};

/** The report; `nowSeconds` is Unix time. */
export function latencyReport({ latency }: ServerServices, nowSeconds: number): string {
  const events = [...latency.all()];
  if (events.length === 0) {
    return latency.thresholdMs === 0
      ? "Latency monitoring is off. 'CONFIG SET latency-monitor-threshold <milliseconds>' switches it on.\n"
      : "No event took longer than latency-monitor-threshold so far.\n";
  }
  const lines = events.map(([event, series], i) => `${i + 1}. ${summary(event, series, nowSeconds)}`);
  const advice = events.flatMap(([event]) => ADVICE[event] ?? []);
  if (events.some(([event]) => event === "command")) advice.push(...slowLogAdvice(latency));
  return [
    "Some events took longer than latency-monitor-threshold:",
    "",
    ...lines,
    "",
    "What may help:",
    "",
    ...advice.map((text) => `- ${text}`),
    "",
  ].join("\n");
}

function slowLogAdvice({ slowLogMicroseconds, thresholdMs }: ServerServices["latency"]): string[] {
  const wanted = `CONFIG SET slowlog-log-slower-than ${thresholdMs * 1000}`;
  if (slowLogMicroseconds < 0) return [`The slow log is off: '${wanted}' has it log these commands.`];
  if (slowLogMicroseconds <= thresholdMs * 1000) return [];
  return [`The slow log leaves out some of these commands: '${wanted}' has it log them.`];
}

function summary(event: string, { longestMs, samples }: LatencySeries, nowSeconds: number): string {
  const average = Math.floor(mean(samples, ({ milliseconds }) => milliseconds));
  const deviation = Math.floor(mean(samples, ({ milliseconds }) => Math.abs(milliseconds - average)));
  const period = Math.max(1, nowSeconds - samples[0].unixSeconds) / samples.length;
  return (
    `${event}: ${samples.length} latency spikes (average ${average}ms, mean deviation ${deviation}ms,` +
    ` period ${period.toFixed(2)} sec). Worst all time event ${longestMs}ms.`
  );
}

function mean(samples: readonly LatencySample[], of: (sample: LatencySample) => number): number {
  return samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
}

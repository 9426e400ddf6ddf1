/**
 * LATENCY GRAPH: samples as columns of characters, the oldest on the left. A column is as high as its sample lies
 * between the least and the largest; below it stands, from top to bottom, how long ago it was.
 */
import type { LatencySample, LatencySeries } from "../services.ts";

const COLUMNS = 80;
const ROWS = 4;
/** The end of a column, in three heights; below it the column is filled. */
const ENDS = "_o#";
const FILL = "|";

/** The drawing of a kind of event; `nowSeconds` is Unix time. */
export function latencyGraph(event: string, series: LatencySeries, nowSeconds: number): string {
  const { longestMs, samples } = series;
  const high = Math.max(...samples.map(({ milliseconds }) => milliseconds));
  const low = Math.min(...samples.map(({ milliseconds }) => milliseconds));
  const parts: string[] = [];
  for (let i = 0; i < samples.length; i += COLUMNS) {
    parts.push(drawing(samples.slice(i, i + COLUMNS), low, high, nowSeconds));
  }
  return (
    `${event} - high ${high} ms, low ${low} ms (all time high ${longestMs} ms)\n` +
    `${"-".repeat(COLUMNS)}\n${parts.join("\n")}`
  );
}

function drawing(samples: readonly LatencySample[], low: number, high: number, nowSeconds: number): string {
  const steps = ENDS.length * ROWS;
  const lines: string[] = [];
  for (let row = 0; row < ROWS; row++) {
    const base = (ROWS - row - 1) * ENDS.length;
    const line = samples.map(({ milliseconds }) => {
      const step = Math.floor(((milliseconds - low) * steps) / (high - low || 1));
      const above = Math.min(step, steps - 1) - base;
      if (above < 0) return " ";
      return above < ENDS.length ? ENDS[above] : FILL;
    });
    lines.push(line.join(""));
  }
  lines.push(" ".repeat(samples.length));
  const labels = samples.map(({ unixSeconds }) => ageText(nowSeconds - unixSeconds));
  const longest = Math.max(...labels.map((label) => label.length));
  for (let i = 0; i < longest; i++) lines.push(labels.map((label) => label[i] ?? " ").join(""));
  return lines.map((line) => `${line}\n`).join("");
}

/** "5s", "3m", "2h" or "7d". */
function ageText(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

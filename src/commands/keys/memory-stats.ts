/**
 * MEMORY STATS, DOCTOR, MALLOC-STATS and PURGE: how much memory the server takes as a whole, and for what.
 */

import { DONE } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { MemoryFigures } from "../services.ts";

const REPORT_TIPS = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];
const MEGABYTE = 1024 * 1024;
/** With less than this in use nothing can be said. */
const LITTLE_BYTES = 5 * MEGABYTE;
/** What the doctor finds remarkable. */
const HIGH_PEAK_RATIO = 1.5;
const HIGH_OVERHEAD_RATIO = 1.4;
const HIGH_OVERHEAD_BYTES = 64 * MEGABYTE;
const HIGH_CLIENT_BYTES = 200 * 1024;
const MANY_SCRIPTS = 1000;

type Facts = Pick<CommandSpec, "name" | "summary" | "complexity" | "run"> &
  Partial<Pick<CommandSpec, "tips">>;

function aboutAll(facts: Facts): CommandSpec {
  return defineCommand({
    group: "server",
    since: "4.0.0",
    arity: 2,
    flags: [],
    categories: [],
    keys: [],
    tips: REPORT_TIPS,
    ...facts,
  });
}

export const stats = aboutAll({
  name: "stats",
  summary: "Tells how much memory is used, and for what",
  complexity: "O(N) in the number of databases and clients",
  run({ reply, server }) {
    const figures = server.memory.figures();
    const databases = figures.databases.filter(({ keys }) => keys > 0);
    const before = sums(figures);
    const after = ratios(figures, databases);
    reply.map(before.length + databases.length + after.length);
    for (const field of before) replyField(reply, field);
    for (const { index, mainBytes, expiresBytes } of databases) {
      reply.bulkText(`db.${index}`);
      reply.map(3);
      replyField(reply, ["overhead.hashtable.main", mainBytes]);
      replyField(reply, ["overhead.hashtable.expires", expiresBytes]);
      replyField(reply, ["overhead.hashtable.slot-to-keys", 0]);
    }
    for (const field of after) replyField(reply, field);
    return DONE;
  },
});

/** A whole number of bytes or keys, or a ratio. */
type Field = readonly [name: string, value: number, isRatio?: true];

function replyField(reply: ReplyWriter, [name, value, isRatio]: Field): void {
  reply.bulkText(name);
  if (isRatio === true) reply.double(value);
  else reply.integer(Math.round(value));
}

function sums(figures: MemoryFigures): Field[] {
  return [
    ["peak.allocated", figures.peakBytes],
    ["total.allocated", figures.usedBytes],
    ["startup.allocated", figures.startupBytes],
    ["replication.backlog", figures.backlogBytes],
    ["clients.slaves", figures.replicaBytes],
    ["clients.normal", figures.clientBytes],
    ["cluster.links", 0],
    ["aof.buffer", figures.aofBufferBytes],
    ["lua.caches", figures.scriptBytes],
    ["functions.caches", figures.functionBytes],
  ];
}

function ratios(figures: MemoryFigures, databases: MemoryFigures["databases"]): Field[] {
  const { usedBytes, peakBytes, overheadBytes, slabBytes, residentBytes } = figures;
  const netBytes = Math.max(1, usedBytes - figures.startupBytes);
  const datasetBytes = Math.max(0, usedBytes - overheadBytes);
  const keys = databases.reduce((sum, database) => sum + database.keys, 0);
  return [
    ["overhead.total", overheadBytes],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(netBytes / keys)],
    ["dataset.bytes", datasetBytes],
    ["dataset.percentage", Math.min(100, (datasetBytes * 100) / netBytes), true],
    ["peak.percentage", (usedBytes * 100) / Math.max(peakBytes, usedBytes, 1), true],
    ["allocator.allocated", figures.allocatedBytes],
    ["allocator.active", slabBytes],
    ["allocator.resident", slabBytes],
    ["allocator-fragmentation.ratio", slabBytes / Math.max(1, figures.allocatedBytes), true],
    ["allocator-fragmentation.bytes", slabBytes - figures.allocatedBytes],
    ["allocator-rss.ratio", 1, true],
    ["allocator-rss.bytes", 0],
    ["rss-overhead.ratio", residentBytes / Math.max(1, slabBytes), true],
    ["rss-overhead.bytes", residentBytes - slabBytes],
    ["fragmentation", residentBytes / Math.max(1, usedBytes), true],
    ["fragmentation.bytes", residentBytes - usedBytes],
  ];
}

export const doctor = aboutAll({
  name: "doctor",
  summary: "Says whether anything about memory is remarkable",
  complexity: "O(N) in the number of clients",
  run: ({ reply, server }) => reply.verbatim(report(server.memory.figures()), "txt"),
});

function report(figures: MemoryFigures): string {
  const { usedBytes, peakBytes, residentBytes, clientBytes, clients, scripts, limitBytes } = figures;
  if (usedBytes < LITTLE_BYTES) {
    return "There is next to nothing in this server: nothing can be said about its memory yet.\n";
  }
  const findings: string[] = [];
  if (peakBytes / usedBytes > HIGH_PEAK_RATIO) {
    findings.push(
      "At its peak it used more than one and a half times as much as now. Memory that was taken from the system" +
        " for that is kept for the data to come, so the process seems larger than it needs to be.",
    );
  }
  if (residentBytes / usedBytes > HIGH_OVERHEAD_RATIO && residentBytes - usedBytes > HIGH_OVERHEAD_BYTES) {
    findings.push(
      "The process takes much more than its data does. Besides data it holds the runtime and its heap" +
        " (mem_javascript_heap), the disk's cache (cold-tier-cache-size), and what is free within slabs.",
    );
  }
  if (clients > 0 && clientBytes / clients > HIGH_CLIENT_BYTES) {
    findings.push(
      "Clients take over 200 KB each on average: large pipelines, or readers that are too slow for what they" +
        " ask for. CLIENT LIST tells which (tot-mem); client-output-buffer-limit and maxmemory-clients set limits.",
    );
  }
  if (scripts > MANY_SCRIPTS) {
    findings.push(
      "There are over a thousand scripts: somebody builds them of values. Values belong into KEYS and ARGV.",
    );
  }
  if (limitBytes === 0) {
    findings.push("There is no memory budget (maxmemory 0): the process grows until the system ends it.");
  }
  if (findings.length === 0) return "Nothing about this server's memory is remarkable.\n";
  return [
    "What is remarkable about this server's memory:",
    "",
    ...findings.map((text) => `* ${text}`),
    "",
  ].join("\n");
}

export const mallocStats = aboutAll({
  name: "malloc-stats",
  summary: "Tells what the allocator has, and has given out",
  complexity: "O(N) in the number of size classes",
  run: ({ reply, server }) => reply.verbatim(server.memory.allocatorText(), "txt"),
});

export const purge = aboutAll({
  name: "purge",
  summary: "Gives memory back that is not needed now",
  complexity: "O(N) in the values that wait to be freed",
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  run({ reply, server }) {
    server.memory.purge();
    return reply.ok();
  },
});

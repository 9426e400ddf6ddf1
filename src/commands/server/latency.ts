/**
 * LATENCY: what took long lately, by kind of event; and how long calls of commands take.
 */
import { noLatencySamples } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import type { CommandHistogram } from "../services.ts";
import { latencyGraph } from "./latency-graph.ts";
import { latencyReport } from "./latency-report.ts";

const MILLISECONDS = 1000;
const TIPS = ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

type Facts = Pick<CommandSpec, "name" | "summary" | "complexity" | "arity" | "run"> &
  Partial<Pick<CommandSpec, "since" | "tips">>;

function latencySubcommand(facts: Facts): CommandSpec {
  return defineCommand({
    group: "server",
    since: "2.8.13",
    flags: ["admin", "noscript", "loading", "stale"],
    categories: [],
    keys: [],
    tips: TIPS,
    ...facts,
  });
}

const doctor = latencySubcommand({
  name: "doctor",
  summary: "Says what took long, and what may help",
  complexity: "O(1)",
  arity: 2,
  run({ keyspace, reply, server }) {
    return reply.verbatim(latencyReport(server, Math.floor(keyspace.nowMs / MILLISECONDS)), "txt");
  },
});

const graph = latencySubcommand({
  name: "graph",
  summary: "Draws how long the events of a kind took",
  complexity: "O(1)",
  arity: 3,
  run({ keyspace, reply, request, server }) {
    const event = request.text(2);
    const series = server.latency.of(event);
    if (series === undefined) return reply.error(noLatencySamples(event));
    return reply.verbatim(latencyGraph(event, series, Math.floor(keyspace.nowMs / MILLISECONDS)), "txt");
  },
});

const histogram = latencySubcommand({
  name: "histogram",
  since: "7.0.0",
  summary: "Tells how long calls of commands took, as cumulative histograms",
  complexity: "O(N) in the number of commands",
  arity: -2,
  run(ctx) {
    const { request, server } = ctx;
    if (request.argc === 2) return replyHistograms(ctx, server.latency.histograms());
    const found: CommandHistogram[] = [];
    for (let i = 2; i < request.argc; i++) found.push(...server.latency.histogramsOf(request.text(i)));
    return replyHistograms(ctx, found);
  },
});

function replyHistograms({ reply }: CommandContext, histograms: Iterable<CommandHistogram>): Outcome {
  const all = [...histograms];
  reply.map(all.length);
  for (const { command, calls, levels } of all) {
    reply.bulkText(command);
    reply.map(2);
    reply.bulkText("calls");
    reply.integer(calls);
    reply.bulkText("histogram_usec");
    reply.map(levels.length);
    for (const [microseconds, count] of levels) {
      reply.integer(microseconds);
      reply.integer(count);
    }
  }
  return DONE;
}

const history = latencySubcommand({
  name: "history",
  summary: "Tells when events of a kind took long, and how long",
  complexity: "O(1)",
  arity: 3,
  run({ reply, request, server }) {
    const samples = server.latency.of(request.text(2))?.samples ?? [];
    reply.array(samples.length);
    for (const { unixSeconds, milliseconds } of samples) {
      reply.array(2);
      reply.integer(unixSeconds);
      reply.integer(milliseconds);
    }
    return DONE;
  },
});

const latest = latencySubcommand({
  name: "latest",
  summary: "Tells of each kind of event when it last took long",
  complexity: "O(1)",
  arity: 2,
  run({ reply, server }) {
    const all = [...server.latency.all()];
    reply.array(all.length);
    for (const [event, { longestMs, samples }] of all) {
      const last = samples.at(-1)!;
      reply.array(4);
      reply.bulkText(event);
      reply.integer(last.unixSeconds);
      reply.integer(last.milliseconds);
      reply.integer(longestMs);
    }
    return DONE;
  },
});

const reset = latencySubcommand({
  name: "reset",
  summary: "Forgets events of some kinds, or all",
  complexity: "O(1)",
  arity: -2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run({ reply, request, server }) {
    if (request.argc === 2) return reply.integer(server.latency.reset());
    let count = 0;
    for (let i = 2; i < request.argc; i++) count += server.latency.reset(request.text(i));
    return reply.integer(count);
  },
});

const help = helpCommand("latency", { group: "server", since: "2.8.13", categories: [] }, [
  "DOCTOR",
  "    What took long, in words, and what may help.",
  "GRAPH <event>",
  "    A drawing of how long the events of a kind took.",
  "HISTORY <event>",
  "    When events of a kind took long, and how long.",
  "LATEST",
  "    The last event of each kind.",
  "RESET [<event> ...]",
  "    Forget the events of these kinds, or all.",
  "HISTOGRAM [<command> ...]",
  "    How long calls of these commands, or of all, took.",
]);

export const latency = defineCommand({
  name: "latency",
  group: "server",
  since: "2.8.13",
  summary: "Container of commands about what takes long",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [doctor, graph, help, histogram, history, latest, reset],
});

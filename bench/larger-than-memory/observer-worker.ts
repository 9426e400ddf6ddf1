/**
 * Watches a server from a thread of its own, so that what the main thread does delays no measurement: a PING
 * every 2 ms with its round trip, and the server's memory every 100 ms. Answers each message with what was
 * seen since the one before.
 */
import { connect } from "node:net";
import { createHistogram } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { memoryUse } from "../support/process-statistics.ts";
import type { Observation, ObserverTarget } from "./observer.ts";

const PING_EVERY_MS = 2;
const MEMORY_EVERY_MS = 100;
const MICROSECONDS_PER_MS = 1000;
const PING = Buffer.from("PING\r\n");
const PONG_BYTES = "+PONG\r\n".length;

const port = parentPort;
if (port === null) throw new Error("to be started as a worker thread");
const target = workerData as ObserverTarget;

const roundTrips = createHistogram();
let residentBytes = 0;
let fileBytes = 0;

const sentAtMs: number[] = [];
let receivedBytes = 0;
const socket = connect({ port: target.port, host: "127.0.0.1", noDelay: true });
socket.on("data", (chunk) => {
  const nowMs = performance.now();
  receivedBytes += chunk.length;
  for (; receivedBytes >= PONG_BYTES; receivedBytes -= PONG_BYTES) {
    const sent = sentAtMs.shift();
    if (sent !== undefined) roundTrips.record(Math.max(1, Math.round((nowMs - sent) * MICROSECONDS_PER_MS)));
  }
});
socket.once("connect", () => setInterval(ping, PING_EVERY_MS));
setInterval(measureMemory, MEMORY_EVERY_MS);

function ping(): void {
  sentAtMs.push(performance.now());
  socket.write(PING);
}

function measureMemory(): void {
  const memory = memoryUse(target.pid);
  if (memory.residentBytes <= residentBytes) return;
  residentBytes = memory.residentBytes;
  fileBytes = memory.fileBytes;
}

port.on("message", () => {
  measureMemory();
  const observation: Observation = {
    pings: roundTrips.count,
    pingP50Ms: roundTrips.percentile(50) / MICROSECONDS_PER_MS,
    pingP999Ms: roundTrips.percentile(99.9) / MICROSECONDS_PER_MS,
    pingMaxMs: roundTrips.max / MICROSECONDS_PER_MS,
    residentBytes,
    fileBytes,
  };
  roundTrips.reset();
  residentBytes = 0;
  fileBytes = 0;
  port.postMessage(observation);
});

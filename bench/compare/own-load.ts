/**
 * Load that redis-benchmark cannot make: transactions, which are several commands, and subscribers, which only listen.
 */
import { connect, type Socket } from "node:net";
import { PipelineClient } from "../support/pipeline-client.ts";
import { CLIENTS, KEYS, VALUE_BYTES } from "./cases.ts";

/** Commands between MULTI and EXEC. */
export const COMMANDS_PER_TRANSACTION = 10;
const CHANNEL = "channel";

/** What redis-benchmark tells of a round, too. */
export interface LoadFigures {
  readonly commandsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Has clients execute so many transactions, each sent in one piece; the figures count transactions. */
export async function driveTransactions(port: number, transactions: number): Promise<LoadFigures> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => PipelineClient.connect(port)));
  const latenciesMs: number[] = [];
  let left = transactions;
  let key = 0;
  const begunMs = performance.now();
  const work = async (client: PipelineClient) => {
    while (left-- > 0) {
      const sentMs = performance.now();
      const replies = await client.batch(transactionFrom(key), COMMANDS_PER_TRANSACTION + 2);
      key = (key + COMMANDS_PER_TRANSACTION) % KEYS;
      latenciesMs.push(performance.now() - sentMs);
      const results = replies.at(-1);
      if (!Array.isArray(results) || results.length !== COMMANDS_PER_TRANSACTION)
        throw new Error(`a transaction was answered by ${String(results)}`);
    }
  };
  try {
    await Promise.all(clients.map(work));
  } finally {
    for (const client of clients) client.close();
  }
  const elapsedSeconds = (performance.now() - begunMs) / 1000;
  latenciesMs.sort((first, second) => first - second);
  const percentile = (share: number) => latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? 0;
  return {
    commandsPerSecond: transactions / elapsedSeconds,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
  };
}

function transactionFrom(key: number): Buffer {
  const value = "x".repeat(VALUE_BYTES);
  let text = "*1\r\n$5\r\nMULTI\r\n";
  for (let i = 0; i < COMMANDS_PER_TRANSACTION; i++) {
    const name = `key:${String(key + i).padStart(12, "0")}`;
    text += `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$${VALUE_BYTES}\r\n${value}\r\n`;
  }
  return Buffer.from(`${text}*1\r\n$4\r\nEXEC\r\n`);
}

/** Connections that are subscribed to the channel of the PUBLISH cases, and throw away what they get. */
export async function subscribe(port: number, count: number): Promise<Socket[]> {
  return await Promise.all(Array.from({ length: count }, () => subscribeOne(port)));
}

function subscribeOne(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("data", () => {
      socket.resume();
      resolve(socket);
    });
    socket.write(`SUBSCRIBE ${CHANNEL}\r\n`);
  });
}

/**
 * A worker of BullMQ in a process of its own, to be killed in the middle of a job. Arguments: port, queue.
 */
import { Worker } from "bullmq";

const [port, queue] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const worker = new Worker(
  queue,
  async (job) => {
    process.stdout.write(`began ${job.name}\n`);
    await new Promise(() => {});
  },
  { connection, lockDuration: 3000, stalledInterval: 500 },
);
await worker.waitUntilReady();

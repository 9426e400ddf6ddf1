/**
 * BullMQ, whose scripts build the names of their keys themselves: jobs of all kinds, and a worker that is killed in the
 * middle of one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FlowProducer, type Job, Queue, QueueEvents, Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeOnServers } from "./targets.ts";

const WORKER = fileURLToPath(new URL("bullmq-worker.mjs", import.meta.url));

describeOnServers("BullMQ", (port) => {
  const closing: { close(): Promise<unknown> }[] = [];
  const processes: ChildProcess[] = [];
  let queue: Queue;
  let redis: Redis;

  const connection = () => ({ host: "127.0.0.1", port: port(), maxRetriesPerRequest: null });

  beforeEach(async () => {
    redis = new Redis(port(), "127.0.0.1");
    await redis.flushall();
    queue = new Queue("jobs", { connection: connection() });
    await queue.waitUntilReady();
  });

  afterEach(async () => {
    for (const child of processes.splice(0)) child.kill("SIGKILL");
    for (const each of closing.splice(0)) await each.close();
    await queue.close();
    redis.disconnect();
  });

  async function work(name: string, process: (job: Job) => Promise<unknown>, options = {}): Promise<Worker> {
    const worker = new Worker(name, process, { connection: connection(), ...options });
    closing.push(worker);
    await worker.waitUntilReady();
    return worker;
  }

  test("jobs are done once, in their order, and answer", async () => {
    const events = new QueueEvents("jobs", { connection: connection() });
    closing.push(events);
    await events.waitUntilReady();
    const jobs = await queue.addBulk(
      Array.from({ length: 100 }, (_, i) => ({ name: "square", data: { i } })),
    );
    const order: number[] = [];
    await work("jobs", async (job) => {
      order.push(job.data.i);
      await job.updateProgress(50);
      return job.data.i ** 2;
    });
    const last = jobs.slice(-5);
    const results = await Promise.all(last.map((job) => job.waitUntilFinished(events)));
    expect(results).toEqual(last.map(({ data }) => data.i ** 2));
    expect(order).toEqual(jobs.map((_, i) => i));
    expect(await queue.getJobCounts("completed", "waiting", "active", "failed")).toEqual({
      completed: 100,
      waiting: 0,
      active: 0,
      failed: 0,
    });
  });

  test("priorities, delays, and what fails is tried again", async () => {
    await queue.addBulk([
      { name: "low", data: {}, opts: { priority: 10 } },
      { name: "high", data: {}, opts: { priority: 1 } },
      { name: "middle", data: {}, opts: { priority: 5 } },
      { name: "first", data: {} },
      { name: "later", data: {}, opts: { delay: 300 } },
    ]);
    const failing = await queue.add("failing", {}, { priority: 20, attempts: 3, backoff: 50 });
    expect(await queue.getJobCounts("delayed", "prioritized", "waiting")).toEqual({
      delayed: 1,
      prioritized: 4,
      waiting: 1,
    });
    const done: string[] = [];
    await work("jobs", async ({ name, attemptsMade }) => {
      if (name === "failing" && attemptsMade < 2) throw new Error("not yet");
      done.push(name);
    });
    await expect.poll(() => [...done].sort()).toEqual(["failing", "first", "high", "later", "low", "middle"]);
    expect(done.filter((name) => name !== "failing" && name !== "later")).toEqual([
      "first",
      "high",
      "middle",
      "low",
    ]);
    await expect.poll(async () => (await queue.getJob(failing.id!))!.attemptsMade).toBe(3);
  });

  test("a job that repeats, until it is told not to", async () => {
    await queue.upsertJobScheduler("tick", { every: 100 }, { name: "tick" });
    let ticks = 0;
    await work("jobs", async () => ++ticks);
    await expect.poll(() => ticks).toBeGreaterThan(2);
    expect(await queue.getJobSchedulers()).toMatchObject([{ key: "tick", every: 100 }]);
    expect(await queue.removeJobScheduler("tick")).toBe(true);
    expect(await queue.getJobSchedulersCount()).toBe(0);
  });

  test("a flow: a job waits for its children, in other queues", async () => {
    const flow = new FlowProducer({ connection: connection() });
    closing.push(flow);
    const tree = await flow.add({
      name: "sum",
      queueName: "jobs",
      children: [
        { name: "a", data: { n: 1 }, queueName: "parts" },
        {
          name: "b",
          data: { n: 2 },
          queueName: "parts",
          children: [{ name: "c", data: { n: 3 }, queueName: "parts" }],
        },
      ],
    });
    expect(await tree.job.getState()).toBe("waiting-children");
    const sumOf = async (job: Job) => {
      const values = Object.values(await job.getChildrenValues<number>());
      return values.reduce((sum, value) => sum + value, job.data.n ?? 0);
    };
    await work("parts", sumOf);
    await work("jobs", sumOf);
    await expect.poll(async () => (await queue.getJob(tree.job.id!))!.returnvalue).toBe(6);
    expect(await flow.getFlow({ id: tree.job.id!, queueName: "jobs" })).toMatchObject({
      children: [{}, {}],
    });
  });

  test("a worker is killed in the middle of a job: another one does it", async () => {
    const child = spawn(process.execPath, [WORKER, String(port()), "jobs"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    processes.push(child);
    const job = await queue.add("long", { x: 1 });
    await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
    expect(await job.getState()).toBe("active");
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    const stalled: string[] = [];
    const worker = await work("jobs", async ({ data }) => data.x + 1, { stalledInterval: 200 });
    worker.on("stalled", (id) => stalled.push(id));
    await expect.poll(() => job.getState()).toBe("completed");
    expect((await queue.getJob(job.id!))!.returnvalue).toBe(2);
    expect(stalled).toEqual([job.id]);
  });
});

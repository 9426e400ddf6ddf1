/**
 * What the tests of the running server share: a folder, the server on it, its clients, and numbered keys whose values
 * can be told from each other. Owns all of them: they are gone after each test.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { type ServerProcess, startServerProcess, startServerWith } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

/** How long and how often a condition is awaited. */
export const POLL = { timeout: 60_000, interval: 20 };

/** Keys per pipeline. */
const KEYS_AT_ONCE = 100;

export class ServerFixture {
  folder = "";
  /** The server's data directory, in `folder`. */
  data = "";
  private started: ServerProcess | undefined;
  private clients: RawClient[] = [];

  /** The server started last. */
  get server(): ServerProcess {
    if (this.started === undefined) throw new Error("no server was started");
    return this.started;
  }

  setUp(): void {
    this.folder = temporaryFolder();
    this.data = join(this.folder, "data");
    mkdirSync(this.data);
  }

  async tearDown(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.started?.kill();
    this.clients = [];
    this.started = undefined;
    removeFolder(this.folder);
  }

  /** Starts a server on `data`; resolves to a client. */
  async start(...args: string[]): Promise<RawClient> {
    this.started = await startServerProcess(this.data, args);
    return this.connect();
  }

  /** As above, with exactly these arguments, which make it listen on `port`, and with `folder` as working folder. */
  async startWith(args: readonly string[], port: number): Promise<RawClient> {
    this.started = await startServerWith(args, this.folder, port);
    return this.connect();
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.server.port);
    this.clients.push(client);
    return client;
  }
}

/** A fixture for each test of the file. */
export function useServer(): ServerFixture {
  const fixture = new ServerFixture();
  beforeEach(() => fixture.setUp());
  afterEach(() => fixture.tearDown());
  return fixture;
}

/** The text of a field of INFO. */
export async function infoOf(client: RawClient, field: string): Promise<string> {
  const info = await client.text("INFO", "everything");
  const found = new RegExp(`^${field}:(.*)\r$`, "m").exec(info);
  if (found === null) throw new Error(`INFO has no field ${field}`);
  return found[1];
}

/** Orders a rewrite of the append-only file and waits for its end, which must be a good one. */
export async function rewriteLog(client: RawClient): Promise<void> {
  expect(await client.text("BGREWRITEAOF")).toBe("+Background append only file rewriting started\r\n");
  await expect
    .poll(() => client.text("INFO", "persistence"), POLL)
    .toMatch(/aof_rewrite_in_progress:0[^]*aof_last_bgrewrite_status:ok/);
}

/** Sets the keys of numbers from `from` to before `to`, with values of `valueBytes`, in pipelines. */
export async function fill(client: RawClient, from: number, to: number, valueBytes: number): Promise<void> {
  for (let i = from; i < to; i += KEYS_AT_ONCE) {
    const part = Array.from({ length: Math.min(KEYS_AT_ONCE, to - i) }, (_, j): Argument[] => [
      "SET",
      `k${i + j}`,
      valueOf(i + j, valueBytes),
    ]);
    for (const reply of await client.runAll(part)) expect(reply.toString()).toBe("+OK\r\n");
  }
}

/** The keys that `fill` set are there with their values, up to before `count`. */
export async function expectValues(client: RawClient, count: number, valueBytes: number): Promise<void> {
  for (let i = 0; i < count; i += KEYS_AT_ONCE) {
    const length = Math.min(KEYS_AT_ONCE, count - i);
    const replies = await client.runAll(Array.from({ length }, (_, j) => ["GET", `k${i + j}`]));
    for (const [j, reply] of replies.entries()) {
      const isRight = reply.equals(bulk(valueOf(i + j, valueBytes)));
      expect(isRight, `k${i + j}: ${reply.toString("latin1", 0, 100)}`).toBe(true);
    }
  }
}

/** As above, and no other keys are there. */
export async function expectFilled(client: RawClient, count: number, valueBytes: number): Promise<void> {
  expect(await client.text("DBSIZE")).toBe(`:${count}\r\n`);
  await expectValues(client, count, valueBytes);
}

/** A value that is half compressible, and different for each i. */
export function valueOf(i: number, length: number): Buffer {
  const value = Buffer.alloc(length, `value ${i};`);
  for (let at = 0, x = i + 1; at + 4 <= length / 2; at += 4) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    value.writeUInt32LE(x, at);
  }
  return value;
}

/** The reply that is this value. */
export function bulk(bytes: Buffer | string): Buffer {
  const value = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from("\r\n")]);
}

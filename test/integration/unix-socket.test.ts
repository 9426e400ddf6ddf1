/**
 * The unix socket: its file, its clients, and that protected mode and a missing port do not keep them out.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runServerProgram, startServerWith } from "../support/server-process.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsredis-unix-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function ask(path: string, request: string): Promise<string> {
  const socket = connect(path);
  socket.end(request);
  const parts: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

test("clients come and go through a file that is made and removed", async () => {
  const path = join(folder, "redis.sock");
  writeFileSync(path, "what was there before");
  const args = [
    "--port",
    "0",
    "--dir",
    folder,
    "--appendonly",
    "no",
    "--unixsocket",
    path,
    "--unixsocketperm",
    "700",
  ];
  const server = await startServerWith(args, folder, 0);
  expect(statSync(path).isSocket()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  const large = "x".repeat(1_000_000);
  const reply = await ask(
    path,
    `SET a ${large.slice(0, 1000)}\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$${large.length}\r\n${large}\r\nCLIENT LIST\r\n`,
  );
  expect(reply.startsWith(`+OK\r\n+PONG\r\n$${large.length}\r\n${large}\r\n$`)).toBe(true);
  expect(reply).toContain(` addr=${path}:0 laddr=${path}:0 `);
  expect(server.output).toContain(path);
  await server.stop();
  expect(existsSync(path)).toBe(false);
});

test("a path that cannot be listened on stops the start", async () => {
  const path = join(folder, "no folder", "redis.sock");
  const { output, status } = await runServerProgram(
    ["--port", "0", "--dir", folder, "--unixsocket", path],
    folder,
  );
  expect(status).toBe(1);
  expect(output).toContain("Failed opening Unix socket: No such file or directory");
});

test("a path that is too long for a socket stops the start, and is not cut", async () => {
  const path = join(folder, "x".repeat(120));
  const { output, status } = await runServerProgram(
    ["--port", "0", "--dir", folder, "--unixsocket", path],
    folder,
  );
  expect(status).toBe(1);
  expect(output).toContain(`unix socket path too long (${path.length}), must be under 108`);
  expect(readdirSync(folder).filter((name) => name.startsWith("x"))).toEqual([]);
});

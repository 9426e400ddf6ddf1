/** Ports for servers of tests: whoever was given one has it, though its server does not listen yet. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "./free-port.ts";

test("a port that was given is reserved, and can be listened on everywhere", async () => {
  const port = await freePort();
  const other = createSocket("udp4");
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => other.once("error", resolve));
  other.bind({ port, address: "127.0.0.1", exclusive: true });
  expect((await failed).code).toBe("EADDRINUSE");
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
});

/**
 * Moving the listening sockets while the server runs.
 */
import net from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { plainDoor } from "../../src/server/door.ts";
import { Listener, type ListenOptions } from "../../src/server/listener.ts";
import { freePort } from "../support/free-port.ts";

let listener: Listener;
let port: number;

beforeEach(async () => {
  listener = new Listener();
  port = await freePort();
});

afterEach(() => listener.close());

/** Every connection is refused at once: whether there is one is all that counts here. */
function options(changes: Partial<ListenOptions>): ListenOptions {
  return {
    port,
    addresses: ["127.0.0.1"],
    backlog: 5,
    door: plainDoor(
      () => 0,
      () => undefined,
    ),
    ...changes,
  };
}

function accepts(host: string, at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(at, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function whileTaken(task: (taken: number) => Promise<void>): Promise<void> {
  const other = net.createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  try {
    await task((other.address() as net.AddressInfo).port);
  } finally {
    other.close();
  }
}

describe("moves while it runs", () => {
  test("to another port", async () => {
    await listener.listen(options({}));
    expect(await accepts("127.0.0.1", port)).toBe(true);
    const next = await freePort();
    await listener.listen(options({ port: next }));
    expect(await accepts("127.0.0.1", next)).toBe(true);
    expect(await accepts("127.0.0.1", port)).toBe(false);
  });

  test("to addresses that include those it had, and back", async () => {
    await listener.listen(options({}));
    await listener.listen(options({ addresses: ["*"] }));
    expect(await accepts("127.0.0.2", port)).toBe(true);
    await listener.listen(options({}));
    expect(await accepts("127.0.0.1", port)).toBe(true);
    expect(await accepts("127.0.0.2", port)).toBe(false);
  });

  test.each([{ port: 0 }, { addresses: [] }])("to nowhere: %j", async (changes) => {
    await listener.listen(options({}));
    await listener.listen(options(changes));
    expect(await accepts("127.0.0.1", port)).toBe(false);
    await listener.listen(options({}));
    expect(await accepts("127.0.0.1", port)).toBe(true);
  });

  test("not to a port that is taken: it stays where it was", async () => {
    await listener.listen(options({}));
    await whileTaken(async (taken) => {
      await expect(listener.listen(options({ port: taken }))).rejects.toThrow(/EADDRINUSE/);
    });
    expect(await accepts("127.0.0.1", port)).toBe(true);
  });

  test("not to an address that is not this machine's, but past an optional one", async () => {
    await listener.listen(options({}));
    // A network that documentation uses, and nobody has.
    const foreign = "192.0.2.1";
    await expect(listener.listen(options({ addresses: ["127.0.0.1", foreign] }))).rejects.toThrow(
      /EADDRNOTAVAIL/,
    );
    expect(await accepts("127.0.0.1", port)).toBe(true);
    await listener.listen(options({ addresses: ["127.0.0.2", `-${foreign}`] }));
    expect(await accepts("127.0.0.2", port)).toBe(true);
    expect(await accepts("127.0.0.1", port)).toBe(false);
  });
});

test("changes asked for at the same time happen one after the other", async () => {
  const next = await freePort();
  await Promise.all([listener.listen(options({})), listener.listen(options({ port: next }))]);
  expect(await accepts("127.0.0.1", next)).toBe(true);
  expect(await accepts("127.0.0.1", port)).toBe(false);
});

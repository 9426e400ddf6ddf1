/**
 * Sessions of a web server: express-session with connect-redis on node-redis.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeOnServers } from "./targets.ts";

declare module "express-session" {
  interface SessionData {
    visits: number;
  }
}

const PREFIX = "session:";
const LIFETIME_SECONDS = 100;

function newApplication(store: RedisStore): express.Express {
  const application = express();
  const cookie = { maxAge: LIFETIME_SECONDS * 1000 };
  application.use(session({ store, secret: "secret", resave: false, saveUninitialized: false, cookie }));
  application.get("/visit", (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.send(String(request.session.visits));
  });
  application.get("/leave", (request, response) => {
    request.session.destroy(() => response.send("bye"));
  });
  return application;
}

describeOnServers("sessions", (port) => {
  let client: ReturnType<typeof newClient>;
  let store: RedisStore;
  let server: Server;

  function newClient() {
    return createClient({ socket: { host: "127.0.0.1", port: port() } });
  }

  beforeEach(async () => {
    client = newClient();
    await client.connect();
    await client.flushAll();
    store = new RedisStore({ client, prefix: PREFIX });
    server = createServer(newApplication(store));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    client.destroy();
  });

  /** Asks for a page with a cookie; what it says, and the cookie from then on. */
  async function get(path: string, cookie = ""): Promise<[text: string, cookie: string]> {
    const { port: ownPort } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${ownPort}${path}`, { headers: { cookie } });
    const set = response.headers.get("set-cookie");
    return [await response.text(), set === null ? cookie : set.split(";", 1)[0]];
  }

  test("a session lasts from request to request, and as long as it is used", async () => {
    const [first, cookie] = await get("/visit");
    expect(first).toBe("1");
    expect(await get("/visit", cookie)).toEqual(["2", cookie]);
    const [other] = await get("/visit");
    expect(other).toBe("1");
    const keys = await client.keys(`${PREFIX}*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(await client.ttl(key)).toBeGreaterThan(LIFETIME_SECONDS - 10);
    expect(await get("/leave", cookie)).toEqual(["bye", cookie]);
    expect(await client.keys(`${PREFIX}*`)).toHaveLength(1);
    expect((await get("/visit", cookie))[0]).toBe("1");
  });

  test("many sessions at a time; the store can list, count and delete them", async () => {
    const cookies = await Promise.all(Array.from({ length: 50 }, async () => (await get("/visit"))[1]));
    for (let round = 2; round < 5; round++) {
      const visits = await Promise.all(cookies.map(async (cookie) => (await get("/visit", cookie))[0]));
      expect(new Set(visits)).toEqual(new Set([String(round)]));
    }
    const count = await new Promise((resolve) => void store.length((_error, found) => resolve(found)));
    expect(count).toBe(50);
    const all = await new Promise((resolve) => void store.all((_error, found) => resolve(found)));
    expect(all).toHaveLength(50);
    expect(all).toContainEqual(expect.objectContaining({ visits: 4 }));
    await new Promise((resolve) => void store.clear(resolve));
    expect(await client.dbSize()).toBe(0);
  });
});

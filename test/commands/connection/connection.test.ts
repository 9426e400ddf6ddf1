/**
 * Commands of connections that change the connection, or others: with clients of the test's own making.
 */
import { describe, expect, test } from "vitest";
import { Selector } from "../../../src/server/acl/selector.ts";
import { User } from "../../../src/server/acl/user.ts";
import type { CommandHarness, HarnessClient } from "../../support/command-harness.ts";
import { newClient } from "../../support/command-harness.ts";
import { newServerHarness } from "../server/harness.ts";

const NOW_MS = 1_700_000_000_000;

/** A harness whose own client is number 1, beside others. */
function withClients(...others: HarnessClient[]): CommandHarness {
  const harness = newServerHarness({ startMs: NOW_MS });
  Object.assign(harness.server, { clients: () => [harness.client, ...others] });
  return harness;
}

function other(id: number, port: number): HarnessClient {
  return {
    ...newClient(id, NOW_MS),
    address: `127.0.0.1:${port}`,
    user: new User("default", new Selector(0)),
  };
}

describe("AUTH", () => {
  const withPassword = (requirepass: string) => {
    const harness = newServerHarness({ acl: { requirepass: Buffer.from(requirepass, "latin1") } });
    return harness;
  };

  test("takes the right password only, with or without the user's name", () => {
    for (const args of [["secret"], ["default", "secret"]]) {
      const harness = withPassword("secret");
      expect(harness.text("AUTH", "wrong")).toMatch(/^-WRONGPASS /);
      expect(harness.text("AUTH", "secret ")).toMatch(/^-WRONGPASS /);
      expect(harness.text("AUTH", "somebody", "secret")).toMatch(/^-WRONGPASS /);
      expect(harness.client.authenticated).toBe(false);
      expect(harness.text("AUTH", ...args)).toBe("+OK\r\n");
      expect(harness.client.authenticated).toBe(true);
    }
  });

  test("compares bytes, not characters", () => {
    const harness = withPassword(Buffer.from([0xe4, 0xff]).toString("latin1"));
    expect(harness.text("AUTH", "\u00e4\u00ff")).toMatch(/^-WRONGPASS /);
    expect(harness.text("AUTH", Buffer.from([0xe4, 0xff]))).toBe("+OK\r\n");
  });

  test("HELLO needs it, and can do it; RESET takes it back", () => {
    const harness = withPassword("secret");
    expect(harness.text("HELLO", 3)).toMatch(/^-NOAUTH HELLO must be called/);
    expect(harness.client.resp).toBe(2);
    expect(harness.text("HELLO", 3, "AUTH", "default", "wrong")).toMatch(/^-WRONGPASS /);
    expect(harness.text("HELLO", 3, "AUTH", "default", "secret", "SETNAME", "me")).toMatch(/^%7\r\n/);
    expect(harness.client).toMatchObject({ resp: 3, authenticated: true, name: "me" });
    harness.run("SELECT", 5);
    harness.run("CLIENT", "REPLY", "OFF");
    expect(harness.text("RESET")).toBe("+RESET\r\n");
    expect(harness.client).toMatchObject({
      resp: 2,
      authenticated: false,
      name: "",
      dbIndex: 0,
      replyMode: "on",
    });
  });

  test("HELLO that fails leaves the protocol as it was", () => {
    const harness = newServerHarness();
    expect(harness.text("HELLO", 3, "SETNAME", "not valid")).toMatch(/^-ERR Client names cannot/);
    expect(harness.text("HELLO", 3, "NOTHING")).toMatch(/^-ERR Syntax error in HELLO option 'NOTHING'/);
    expect(harness.client.resp).toBe(2);
  });
});

describe("CLIENT", () => {
  test("LIST shows a client as it is", () => {
    const harness = withClients();
    harness.clock.advance(61_500);
    Object.assign(harness.client, {
      name: "me",
      dbIndex: 3,
      lastActiveMs: NOW_MS + 60_000,
      lastCommand: "client|list",
      queryBufferBytes: 26,
      queryBufferFreeBytes: 20448,
      outputBufferBytes: 7,
      outputListLength: 2,
      memoryBytes: 5000,
      noEvict: true,
      isBlocked: true,
    });
    harness.run("CLIENT", "SETINFO", "LIB-NAME", "lib");
    harness.run("CLIENT", "SETINFO", "lib-ver", "1.2");
    const line =
      "id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name=me age=61 idle=1 flags=be db=3 sub=0 psub=0 ssub=0" +
      " multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=0 rbp=0 obl=0 oll=2 omem=7 tot-mem=5010 events=rw" +
      " cmd=client|list user=default redir=-1 resp=2 lib-name=lib lib-ver=1.2\n";
    expect(harness.text("CLIENT", "LIST")).toBe(`$${line.length}\r\n${line}\r\n`);
    harness.client.resp = 3;
    expect(harness.text("CLIENT", "INFO")).toMatch(/^=\d+\r\ntxt:id=1 .*resp=3/);
  });

  test("LIST chooses by number and type", () => {
    const harness = withClients(other(2, 2000), other(7, 7000));
    const ids = (...args: string[]) =>
      [...harness.text("CLIENT", "LIST", ...args).matchAll(/id=(\d+) /g)].map((m) => m[1]);
    expect(ids()).toEqual(["1", "2", "7"]);
    expect(ids("TYPE", "Normal")).toEqual(["1", "2", "7"]);
    expect(ids("TYPE", "replica")).toEqual([]);
    expect(ids("ID", "7", "5", "1")).toEqual(["7", "1"]);
  });

  test("KILL closes those that match, itself only if asked to", () => {
    const close = (...args: string[]) => {
      const others = [other(2, 2000), other(7, 7000)];
      const harness = withClients(...others);
      const reply = harness.text("CLIENT", "KILL", ...args);
      return [
        reply,
        ...[harness.client, ...others].filter((client) => client.closed).map((client) => client.id),
      ];
    };
    expect(close("127.0.0.1:7000")).toEqual(["+OK\r\n", 7]);
    expect(close("127.0.0.1:50000")).toEqual(["+OK\r\n", 1]);
    expect(close("127.0.0.1:1")).toEqual(["-ERR No such client\r\n"]);
    expect(close("ID", "2")).toEqual([":1\r\n", 2]);
    expect(close("ID", "1")).toEqual([":0\r\n"]);
    expect(close("ID", "1", "SKIPME", "no")).toEqual([":1\r\n", 1]);
    expect(close("TYPE", "normal")).toEqual([":2\r\n", 2, 7]);
    expect(close("USER", "default", "SKIPME", "NO")).toEqual([":3\r\n", 1, 2, 7]);
    expect(close("ADDR", "127.0.0.1:2000", "LADDR", "127.0.0.1:6379")).toEqual([":1\r\n", 2]);
    expect(close("ADDR", "127.0.0.1:2000", "ID", "7")).toEqual([":0\r\n"]);
    expect(close("ID", "2", "SKIPME", "maybe")).toEqual(["-ERR syntax error\r\n"]);
  });

  test("REPLY switches replies, and answers only ON", () => {
    const harness = newServerHarness();
    const reply = (mode: string) => [harness.text("CLIENT", "REPLY", mode), harness.client.replyMode];
    expect(reply("SKIP")).toEqual(["", "skip-next"]);
    expect(reply("OFF")).toEqual(["", "off"]);
    expect(reply("SKIP")).toEqual(["", "off"]);
    expect(reply("ON")).toEqual(["+OK\r\n", "on"]);
    expect(reply("maybe")).toEqual(["-ERR syntax error\r\n", "on"]);
  });

  test("switches and what clients say about themselves", () => {
    const harness = newServerHarness();
    harness.run("CLIENT", "NO-EVICT", "ON");
    harness.run("CLIENT", "NO-TOUCH", "on");
    expect(harness.client).toMatchObject({ noEvict: true, noTouch: true });
    harness.run("CLIENT", "NO-TOUCH", "off");
    expect(harness.client.noTouch).toBe(false);
    expect(harness.text("CLIENT", "SETINFO", "LIB-NAME", "a b")).toBe(
      "-ERR LIB-NAME cannot contain spaces, newlines or special characters.\r\n",
    );
    expect(harness.text("CLIENT", "SETINFO", "lib", "x")).toBe("-ERR Unrecognized option 'lib'\r\n");
    expect(harness.text("CLIENT", "ID")).toBe(":1\r\n");
    expect(harness.text("CLIENT", "HELP")).toMatch(
      /^\*\d+\r\n\+CLIENT <subcommand> \[<arg> \[value\] \[opt\] \.\.\.\]\./,
    );
  });
});

test("QUIT answers, then closes", () => {
  const harness = newServerHarness();
  expect(harness.text("QUIT", "now")).toBe("+OK\r\n");
  expect(harness.client.closed).toBe(true);
});

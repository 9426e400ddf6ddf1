/**
 * ACL LOG: the same again is counted, old entries go.
 */
import { expect, test } from "vitest";
import { AclLog, type AclLogEvent } from "../../../src/server/acl/acl-log.ts";

const EVENT: AclLogEvent = {
  reason: "command",
  context: "toplevel",
  object: "get",
  username: "a",
  client: "first",
};

test("the same again within a minute is counted, and comes first", () => {
  const log = new AclLog(() => 10);
  log.add(EVENT, 1000);
  log.add({ ...EVENT, object: "set" }, 2000);
  log.add({ ...EVENT, client: "second" }, 60_999);
  expect(log.list(10, 61_999)).toEqual([
    { ...EVENT, client: "second", count: 2, id: 0, createdMs: 1000, updatedMs: 60_999, ageSeconds: 1 },
    { ...EVENT, object: "set", count: 1, id: 1, createdMs: 2000, updatedMs: 2000, ageSeconds: 59.999 },
  ]);
});

test("what differs in anything, or comes later, is an entry of its own", () => {
  const log = new AclLog(() => 10);
  log.add(EVENT, 0);
  const others: Partial<AclLogEvent>[] = [
    { reason: "key" },
    { context: "lua" },
    { object: "x" },
    { username: "b" },
  ];
  for (const other of others) log.add({ ...EVENT, ...other }, 0);
  log.add(EVENT, 60_001);
  expect(log.list(10, 0).map(({ count }) => count)).toEqual([1, 1, 1, 1, 1, 1]);
});

test("only the last ten are compared", () => {
  const log = new AclLog(() => 100);
  log.add(EVENT, 0);
  for (let i = 0; i < 10; i++) log.add({ ...EVENT, object: String(i) }, 0);
  log.add(EVENT, 0);
  expect(log.list(100, 0)).toHaveLength(12);
});

test("the oldest go, and all on demand", () => {
  let limit = 3;
  const log = new AclLog(() => limit);
  for (let i = 0; i < 5; i++) log.add({ ...EVENT, object: String(i) }, 0);
  expect(log.list(10, 0).map(({ object }) => object)).toEqual(["4", "3", "2"]);
  expect(log.list(1, 0)).toHaveLength(1);
  limit = 0;
  log.add(EVENT, 0);
  expect(log.list(10, 0)).toEqual([]);
  limit = 3;
  log.add(EVENT, 0);
  log.clear();
  expect(log.list(10, 0)).toEqual([]);
});

/**
 * What users may do: commands, keys in all kinds of places, selectors that do not add up. (Random rules and requests
 * are compared with Redis in test/integration/acl-conformance.test.ts.)
 */
import { describe, expect, it } from "vitest";
import { get } from "../../../src/commands/strings/get-set.ts";
import { CompiledCommand } from "../../../src/commands/table.ts";
import { Request } from "../../../src/protocol/request.ts";
import {
  ALLOWED,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  DENIED_KEY,
  PermissionCheck,
} from "../../../src/server/acl/permission-check.ts";
import { table, userOf } from "./support.ts";

const check = new PermissionCheck();

/** The result, and for keys and channels the argument that was denied. */
function judge(rules: string[], line: string): [result: number, argument?: string] {
  const request = Request.of(...line.split(" "));
  const result = check.check(userOf(...rules), table.findExact(request)!, request);
  return result === ALLOWED || result === DENIED_COMMAND ? [result] : [result, request.text(check.position)];
}

describe("commands", () => {
  it("are allowed one by one", () => {
    expect(judge(["+get", "~*"], "get a")).toEqual([ALLOWED]);
    expect(judge(["+get", "~*"], "set a 1")).toEqual([DENIED_COMMAND]);
    expect(judge(["+config|get"], "config get x")).toEqual([ALLOWED]);
    expect(judge(["+config|get"], "config set x y")).toEqual([DENIED_COMMAND]);
    expect(judge(["+select|0"], "select 0")).toEqual([ALLOWED]);
    expect(judge(["+select|0"], "select 1")).toEqual([DENIED_COMMAND]);
  });

  it("that authenticate are always allowed", () => {
    for (const line of ["auth x", "hello 3", "quit", "reset"]) expect(judge([], line)).toEqual([ALLOWED]);
  });
});

describe("keys", () => {
  it.each([
    ["get a1", ALLOWED, undefined],
    ["set r1 v", DENIED_KEY, "r1"],
    ["set w1 v", ALLOWED, undefined],
    ["set w1 v GET", DENIED_KEY, "w1"],
    ["get r1", ALLOWED, undefined],
    ["get w1", DENIED_KEY, "w1"],
    ["exists w1 r1", ALLOWED, undefined],
    ["exists x1", DENIED_KEY, "x1"],
    ["mget a1 r1 x1 y1", DENIED_KEY, "x1"],
    ["mset a1 1 w1 2 r1 3", DENIED_KEY, "r1"],
    ["rename a1 r1", DENIED_KEY, "r1"],
    ["copy r1 w1", ALLOWED, undefined],
    ["copy w1 r1", DENIED_KEY, "w1"],
    ["zunionstore w1 2 r1 a1", ALLOWED, undefined],
    ["zunionstore w1 2 r1 x1", DENIED_KEY, "x1"],
    ["zunionstore x1 9 r1", ALLOWED, undefined],
    ["xread streams r1 w1 0 0", DENIED_KEY, "w1"],
    ["georadius r1 0 0 1 m store w1", ALLOWED, undefined],
    ["georadius r1 0 0 1 m storedist r1", DENIED_KEY, "r1"],
    ["sort r1 store w1", ALLOWED, undefined],
    ["sort r1 store r1", DENIED_KEY, "r1"],
    ["eval x 2 a1 r1", DENIED_KEY, "r1"],
    ["eval x 0 x1", ALLOWED, undefined],
    ["bitfield r1 get u8 0", ALLOWED, undefined],
    ["bitfield r1 set u8 0 1", DENIED_KEY, "r1"],
  ] as const)("%s", (line, result, argument) => {
    const expected = argument === undefined ? [result] : [result, argument];
    expect(judge(["+@all", "~a*", "%R~r*", "%W~w*"], line)).toEqual(expected);
  });

  it("are found behind the name, wherever that stands", () => {
    const request = Request.of("acl", "dryrun", "u", "set", "x1", "v");
    const command = table.findExactAt(request, 3)!;
    expect(check.check(userOf("+@all", "~a*"), command, request, 3)).toBe(DENIED_KEY);
    expect(check.position).toBe(4);
  });
});

describe("channels", () => {
  const publish = new CompiledCommand({
    ...get,
    name: "publish",
    keys: [],
    channels: { first: 1, last: 1, use: "publish", isPattern: false },
  });
  const subscribe = (arePatterns: boolean, use: "subscribe" | "unsubscribe" = "subscribe") =>
    new CompiledCommand({
      ...get,
      name: "s",
      keys: [],
      channels: { first: 1, last: -1, use, isPattern: arePatterns },
    });
  const judgeChannels = (command: CompiledCommand, rules: string[], ...args: string[]) => {
    const user = userOf(...rules, "+@all");
    return [check.check(user, command, Request.of(command.spec.name, ...args)), check.position];
  };

  it("match the patterns", () => {
    expect(judgeChannels(publish, ["&news.*"], "news.1", "text")).toEqual([ALLOWED, 0]);
    expect(judgeChannels(publish, ["&news.*"], "other", "news.1")).toEqual([DENIED_CHANNEL, 1]);
    expect(judgeChannels(publish, ["&*"], "other", "text")).toEqual([ALLOWED, 0]);
    expect(judgeChannels(subscribe(false), ["&a", "&b?"], "a", "b1", "b")).toEqual([DENIED_CHANNEL, 3]);
  });

  it("that are patterns must be allowed literally", () => {
    expect(judgeChannels(subscribe(true), ["&a*"], "a*")).toEqual([ALLOWED, 0]);
    expect(judgeChannels(subscribe(true), ["&a*"], "ab*")).toEqual([DENIED_CHANNEL, 1]);
  });

  it("can always be left", () => {
    expect(judgeChannels(subscribe(false, "unsubscribe"), [], "a")).toEqual([ALLOWED, 0]);
  });
});

describe("selectors", () => {
  it("each allow a request as a whole", () => {
    const rules = ["~a*", "+get", "(~b* +set)", "(%R~c* %W~d* +@all)"];
    expect(judge(rules, "get a1")).toEqual([ALLOWED]);
    expect(judge(rules, "set b1 1")).toEqual([ALLOWED]);
    expect(judge(rules, "set a1 1")).toEqual([DENIED_KEY, "a1"]);
    expect(judge(rules, "copy c1 d1")).toEqual([ALLOWED]);
    expect(judge(rules, "copy c1 b1")).toEqual([DENIED_KEY, "b1"]);
  });

  it("that fail last tell why", () => {
    expect(judge(["+mget", "~a", "(+mget ~a ~b)"], "mget a b c")).toEqual([DENIED_KEY, "c"]);
    expect(judge(["+mget", "~a ~b".split(" ")[0], "~b", "(+mget ~a)"], "mget a b c")).toEqual([
      DENIED_KEY,
      "c",
    ]);
    expect(judge(["+get", "(+mget ~a)"], "mget b")).toEqual([DENIED_KEY, "b"]);
    expect(judge(["+get", "(+set)"], "del b")).toEqual([DENIED_COMMAND]);
  });
});

/**
 * Functions of Lua's libraries that call functions of scripts: random calls of them on the real Redis and on tsredis.
 * Compared are results, what is called with what, and errors with their places.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const RUNS = Number(process.env["CALLBACK_RUNS"] ?? 400);

/** Each is called with `...`; `calls` is what it has noted. */
const BODIES = [
  "return (...)",
  "return nil",
  "return #calls % 2 == 0 and 'even'",
  "return #calls",
  "return select('#', ...)",
  "return {}",
  "return true",
  "if #calls > 2 then error('boom') end return 'x'",
  "error('boom', 2)",
  "error('boom', 3)",
  "error({err = 'MY table'})",
  "return (string.gsub('a-b', '%a', function(x) return x .. #calls end))",
  "return (string.gsub('a-b', '%a', function(x) error('inner') end))",
  "return pcall(error, 'caught') and 'a' or 'b'",
  "coroutine.yield(1) return 'y'",
];
const COMPARISONS = [
  "return (...) < select(2, ...)",
  "return (...) > select(2, ...)",
  "return (...) <= select(2, ...)",
  "return tostring((...)) < tostring(select(2, ...))",
  "return true",
  "return false",
  "return nil",
  "return #calls * 7919 % 13 < 6",
  "return #calls * 31 % 7 < 3",
  "if #calls > 4 then error('boom') end return (...) < select(2, ...)",
  "error('boom', 2)",
];
/** CALL is the call of the library. */
const WAYS = [
  "local r = {CALL}\nreturn show(r)",
  "return CALL",
  "return show({pcall(function() return CALL end)})",
  "return show({pcall(function()\nlocal r = {CALL}\nreturn r[1] end)})",
  "local c = coroutine.wrap(function() return CALL end)\nreturn show({c()})",
  "return show({xpcall(function() return CALL end, function(e) return type(e) == 'table' and e.err or 'handled ' .. tostring(e) end)})",
  "local r = {PROTECTED}\nreturn show(r)",
];
const PIECES = [
  ...".%()[]^$*+-?".split(""),
  "a",
  "b",
  "c",
  "%a",
  "%w+",
  "%s*",
  "(.)",
  "()",
  "(%w)(%w)",
  "[a-c]",
  "[^b]*",
  "[]]",
  "[^]]",
  "%b()",
  "%f[%w]",
  "%1",
  "(a*(.)%w(%s*))",
  "\0",
  "%z",
];

const pattern = fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((pieces) => pieces.join(""));
const subject = fc
  .array(fc.constantFrom(..."abc ab(x) [],-\0\n".split("")), { maxLength: 12 })
  .map((pieces) => pieces.join(""));

function scriptOf(way: string, fn: string, args: string, body: string, callback: string): string {
  const call = way
    .replace("CALL", () => `${fn}(${args})`)
    .replace("PROTECTED", () => `pcall(${fn}, ${args})`);
  return `local calls = {}
local function show(values)
  local texts = {}
  for i = 1, 60 do texts[i] = type(values[i]) == 'table' and 'table' or tostring(values[i]) end
  return {texts, calls}
end
local function note(...)
  local texts = {}
  for i = 1, select('#', ...) do texts[i] = tostring((select(i, ...))) end
  calls[#calls + 1] = table.concat(texts, ',')
end
local function callback(...)
  note(...)
  ${body}
end
${callback}
${call}`;
}

const gsubScript = fc
  .record({
    way: fc.constantFrom(...WAYS),
    body: fc.constantFrom(...BODIES),
    limit: fc.constantFrom("", ", 1", ", 3", ", 0", ", -1", ", '2'", ", 4294967298", ", nil", ", {}"),
    isTable: fc.boolean(),
  })
  .map(({ way, body, limit, isTable }) => {
    const handler =
      "local r = setmetatable({a = 'known', b = false}, {__index = function(t, k) return callback(k) end})";
    const replacement = isTable ? "r" : "callback";
    return scriptOf(
      way,
      "string.gsub",
      `ARGV[1], ARGV[2], ${replacement}${limit}`,
      body,
      isTable ? handler : "",
    );
  });

const sortScript = fc
  .record({
    way: fc.constantFrom(...WAYS),
    body: fc.constantFrom(...COMPARISONS),
    fn: fc.constantFrom("table.sort", "sorted"),
    values: fc.array(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom("nil", "'a'", "'b'")), {
      maxLength: 40,
    }),
    hasMetatable: fc.boolean(),
  })
  .map(({ way, body, fn, values, hasMetatable }) => {
    const metatable = hasMetatable
      ? "setmetatable(t, {__index = function() return 5 end, __newindex = error})"
      : "";
    const list = `local t = {${values.join(", ")}}
local function sorted(...)
  table.sort(...)
  return unpack(t, 1, 60)
end
${metatable}`;
    return scriptOf(way, fn, "t, callback", body, list);
  });

const visitScript = fc
  .record({
    way: fc.constantFrom(...WAYS),
    body: fc.constantFrom(...BODIES),
    fn: fc.constantFrom("table.foreach", "table.foreachi"),
    values: fc.array(fc.constantFrom("1", "'a'", "nil", "false"), { maxLength: 6 }),
  })
  .map(({ way, body, fn, values }) =>
    scriptOf(way, fn, "t, callback", body, `local t = {${values.join(", ")}}`),
  );

describe.skipIf(!hasRedisServer)("what calls functions of scripts, as in Redis:", () => {
  let folder = "";
  const servers: ServerProcess[] = [];
  const clients: RawClient[] = [];

  beforeAll(async () => {
    folder = temporaryFolder();
    servers.push(
      await startRedisServer([], folder),
      await startServerProcess(folder, ["--appendonly", "no"]),
    );
    for (const { port } of servers) clients.push(await RawClient.connect(port));
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    for (const each of servers) await each.kill();
    removeFolder(folder);
  });

  async function compare(script: string, ...args: string[]): Promise<void> {
    const bytes = [script, "0", ...args].map((text) => Buffer.from(text, "latin1"));
    const [expected, actual] = await Promise.all(clients.map((client) => client.run("EVAL", ...bytes)));
    expect(actual.toString("latin1"), script).toBe(expected.toString("latin1"));
  }

  it("string.gsub", async () => {
    const property = fc.asyncProperty(gsubScript, subject, pattern, compare);
    await fc.assert(property, { numRuns: RUNS });
  });

  it("table.sort", async () => {
    await fc.assert(
      fc.asyncProperty(sortScript, (script) => compare(script)),
      { numRuns: RUNS },
    );
  });

  it("table.foreach", async () => {
    await fc.assert(
      fc.asyncProperty(visitScript, (script) => compare(script)),
      { numRuns: RUNS },
    );
  });

  it("with arguments that are none", async () => {
    for (const args of [
      "",
      "nil, 'a', f",
      "'a', nil, f",
      "'a', 'a', nil",
      "'a', 'a', f, {}",
      "{}, f",
      "{}, 1",
      "nil, f",
    ]) {
      for (const fn of ["string.gsub", "table.sort", "table.foreach", "table.foreachi", "('x'):gsub"]) {
        await compare(`local function f() end\nlocal r = ${fn}(${args})\nreturn 'fine'`);
        await compare(
          `local function f() end\nreturn {pcall(${fn.replace("('x'):", "string.")}, ${args || "nil"})}`,
        );
      }
    }
  });
});
